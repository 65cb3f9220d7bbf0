"""The map page in pieces: what is lit, the controls, the picture and its companion in the browser, the selection."""
