// Walks beside plotly's picture of the map: names of clusters that come with the zoom, what a point is on hover, and
// what the analyst does there. Streamlit hands on neither plotly's zoom nor a drawing without every point inside it.
// All text from a log goes into textContent, never into markup.

const texts = new Map(); // "snapshot prompt-id" -> its beginning; outlives a run of the script
const REST = 220; // ms that the pointer rests on a point before its text is asked for

const LIFT = 9; // px by which a name stands above the middle of what it names

const find = () => document.querySelector('[class*="st-key-map-frame"] .js-plotly-plot');

const make = (parent, css, className) => {
  const element = document.createElement("div");
  element.className = className;
  element.style.cssText = css;
  parent.append(element);
  return element;
};

// Limits of what is looked at: an event of plotly's knows them before the axes do.
const limits = (gd, event) => {
  const of = (axis) => {
    const range = gd._fullLayout[axis].range;
    return event?.[`${axis}.range`] ?? [event?.[`${axis}.range[0]`] ?? range[0], event?.[`${axis}.range[1]`] ?? range[1]];
  };
  return { x: of("xaxis"), y: of("yaxis") };
};

const measure = (() => {
  const pen = document.createElement("canvas").getContext("2d");
  const known = new Map();
  return (text, font) => {
    const key = font + text;
    if (!known.has(key)) { pen.font = font; known.set(key, pen.measureText(text).width); }
    return known.get(key);
  };
})();

class Companion {
  constructor(data, say) {
    this.data = data;
    this.say = say;
    this.gd = null;
    this.timers = {};
    this.heard = {
      plotly_relayout: (e) => this.moved(e),
      plotly_relayouting: (e) => this.write(e),
      plotly_afterplot: () => this.write(),
      plotly_selected: () => this.selected(),
      plotly_doubleclick: () => this.say("cleared", Date.now()),
      plotly_click: (e) => this.clicked(e),
      plotly_hover: (e) => this.hover(e),
      plotly_unhover: () => this.unhover(),
    };
    this.beat = setInterval(() => this.attach(), 150);
    this.attach();
  }

  // Plotly may draw into another element at any time: look again and again.
  attach() {
    const gd = find();
    if (!gd?.on || !gd._fullLayout?.xaxis) return;
    if (gd !== this.gd) {
      this.detach();
      this.gd = gd;
      for (const [name, listen] of Object.entries(this.heard)) gd.on(name, listen);
    }
    const box = gd.querySelector(".svg-container");
    if (box && this.layer?.parentElement !== box) {
      this.layer?.remove();
      this.tip?.remove();
      const { ink, ground, panel, line } = this.data.colours;
      this.layer = make(box, `position:absolute;inset:0;overflow:hidden;pointer-events:none;z-index:2;color:${ink};` +
        `font-family:${this.data.font};`, "map-names");
      this.halo = `0 0 2px ${ground},0 0 2px ${ground},0 0 4px ${ground},0 0 5px ${ground},0 0 6px ${ground}`;
      this.tip = make(box, `position:absolute;display:none;max-width:340px;padding:5px 8px;border:1px solid ${line};` +
        `border-radius:4px;background:${panel};color:${ink};font:13px/1.35 ${this.data.font};pointer-events:none;` +
        "z-index:3;overflow-wrap:anywhere;", "map-tip");
      this.back = document.createElement("button");
      this.back.textContent = "Whole map";
      this.back.className = "map-back";
      this.back.style.cssText = `position:absolute;left:4px;top:4px;display:none;padding:2px 10px;cursor:pointer;` +
        `border:1px solid ${line};border-radius:4px;background:${panel};color:${ink};font:13px ${this.data.font};` +
        "pointer-events:auto;";
      this.back.onclick = () => this.whole();
      this.layer.append(this.back);
      this.spans = [];
      this.write();
    }
  }

  detach() {
    if (this.gd?.removeListener) {
      for (const [name, listen] of Object.entries(this.heard)) this.gd.removeListener(name, listen);
    }
    this.gd = null;
  }

  end() {
    clearInterval(this.beat);
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    this.layer?.remove();
    this.tip?.remove();
    this.detach();
  }

  later(name, ms, act) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(act, ms);
  }

  zoom(seen) {
    const [a, b] = this.data.whole.x;
    return Math.max(1, (b - a) / Math.max(1e-9, seen.x[1] - seen.x[0]));
  }

  // Names of clusters: the largest first, each where it covers no other.
  write(event) {
    if (!this.layer || !this.gd?._fullLayout?.xaxis) return;
    const layout = this.gd._fullLayout, xa = layout.xaxis, ya = layout.yaxis, seen = limits(this.gd, event);
    this.back.hidden = this.zoom(seen) <= 1.05;
    this.back.style.display = this.back.hidden ? "none" : "block";
    const taken = this.occupied();
    let used = 0;
    for (const [x, y, text, size] of this.data.names) {
      const px = xa._offset + ((x - seen.x[0]) / (seen.x[1] - seen.x[0])) * xa._length;
      const py = ya._offset + ((seen.y[1] - y) / (seen.y[1] - seen.y[0])) * ya._length - LIFT;
      if (px < 0 || py < 0 || px > xa._offset + xa._length || py > ya._offset + ya._length) continue;
      const font = `${size > 13 ? 600 : 500} ${size}px ${this.data.font}`;
      const half = measure(text, font) / 2 + 8, tall = size * 0.8 + 4;
      const at = Math.min(Math.max(px, xa._offset + half), xa._offset + xa._length - half);
      if (taken.some((t) => Math.abs(t[0] - at) < t[2] + half && Math.abs(t[1] - py) < t[3] + tall)) continue;
      taken.push([at, py, half, tall]);
      const span = (this.spans[used] ??= this.layer.appendChild(document.createElement("span")));
      used += 1;
      if (span.textContent !== text) span.textContent = text;
      span.style.cssText = `position:absolute;left:0;top:0;white-space:nowrap;font:${font};text-shadow:${this.halo};` +
        `transform:translate(${at.toFixed(1)}px,${py.toFixed(1)}px) translate(-50%,-50%)`;
      if (used >= this.data.most) break;
    }
    for (const span of this.spans.slice(used)) span.style.display = "none";
    this.layer.dataset.count = used;
  }

  // Where plotly's buttons and ours stand, no name is written: middle and half the size of each.
  occupied() {
    const box = this.layer.getBoundingClientRect();
    const there = [this.gd.querySelector(".modebar"), this.back].filter((e) => e?.offsetParent !== null && e);
    return there.map((e) => e.getBoundingClientRect()).filter((r) => r.width).map((r) => [
      r.left - box.left + r.width / 2, r.top - box.top + r.height / 2, r.width / 2 + 2, r.height / 2 + 2,
    ]);
  }

  moved(event) {
    this.write(event);
    this.unhover();
    this.later("size", 250, () => this.resize());
    this.later("view", 350, () => this.say("view", this.view()));
  }

  view() {
    const seen = limits(this.gd);
    return [...seen.x, ...seen.y];
  }

  // Points grow with the zoom, as the server draws them where it draws.
  resize() {
    const gd = this.gd;
    if (!gd?.data || !window.Plotly?.restyle) return;
    const factor = Math.min(this.data.largest, this.zoom(limits(gd)) ** this.data.grow);
    const size = Math.round(this.data.size * factor * 10) / 10;
    const which = gd.data.flatMap((t, i) => (t.meta === "point" && Math.abs((t.marker?.size ?? size) - size) > 0.15 ? [i] : []));
    if (which.length) window.Plotly.restyle(gd, { "marker.size": size }, which);
  }

  whole() {
    const { x, y } = this.data.whole;
    window.Plotly?.relayout(this.gd, { "xaxis.range": [...x], "yaxis.range": [...y] });
  }

  selected() {
    const found = { box: [], lasso: [], view: this.view() };
    for (const s of this.gd.layout.selections ?? []) {
      if (s.type === "rect") found.box.push({ x: [s.x0, s.x1], y: [s.y0, s.y1] });
      else if (s.path) {
        const corners = s.path.replace(/[MZ]/g, "").split("L").map((c) => c.split(",").map(Number));
        found.lasso.push({ x: corners.map((c) => c[0]), y: corners.map((c) => c[1]) });
      }
    }
    if (found.box.length || found.lasso.length) this.say("drawn", found);
  }

  clicked(event) {
    const id = event.points?.[0]?.customdata?.[0];
    if (Number.isInteger(id)) this.say("drawn", { points: [id], view: this.view() });
  }

  hover(event) {
    const point = event.points?.[0], carried = point?.customdata;
    if (!carried || !this.tip) return;
    const [id, code] = carried;
    const xa = this.gd._fullLayout.xaxis, ya = this.gd._fullLayout.yaxis;
    this.over = { id, code, x: xa._offset + xa.l2p(point.x), y: ya._offset + ya.l2p(point.y), name: point.data.name };
    this.explain();
    if (this.data.readable && !texts.has(`${this.data.snapshot} ${id}`)) this.later("near", REST, () => this.say("near", id));
  }

  explain() {
    const { id, code, x, y } = this.over;
    const cluster = this.data.clusters[Math.floor(code / 8) - 1] ?? "in no cluster";
    this.tip.textContent = "";
    const add = (text, css) => {
      const row = this.tip.appendChild(document.createElement("div"));
      row.textContent = text;
      row.style.cssText = `font-family:inherit;${css}`;
    };
    const text = texts.get(`${this.data.snapshot} ${id}`);
    if (text !== undefined) add(text, "margin-bottom:2px");
    add(cluster, `color:${text === undefined ? this.data.colours.ink : this.data.colours.quiet}`);
    add(`highest level among senders: ${this.data.levels[code % 8]}`, `color:${this.data.colours.quiet}`);
    this.tip.style.display = "block";
    const box = this.layer.getBoundingClientRect(), own = this.tip.getBoundingClientRect();
    this.tip.style.left = `${x + 14 + own.width > box.width ? Math.max(0, x - own.width - 14) : x + 14}px`;
    this.tip.style.top = `${Math.max(0, Math.min(y - own.height / 2, box.height - own.height))}px`;
  }

  unhover() {
    clearTimeout(this.timers.near);
    this.over = null;
    if (this.tip) this.tip.style.display = "none";
  }

  take(data) {
    const again = data.theme !== this.data.theme;
    this.data = data;
    for (const [id, text] of Object.entries(data.texts)) texts.set(`${data.snapshot} ${id}`, text);
    if (again) this.layer?.remove();
    this.attach();
    this.write();
    if (this.over) this.explain();
  }
}

const known = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const say = (name, value) => (name === "near" ? setStateValue(name, value) : setTriggerValue(name, value));
  let companion = known.get(parentElement);
  if (!companion) {
    companion = new Companion(data, say);
    known.set(parentElement, companion);
  }
  companion.say = say;
  companion.take(data);
  return () => {
    companion.end();
    known.delete(parentElement);
  };
}
