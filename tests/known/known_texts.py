"""Sentences of our own that the tests of known sets share, and how they are sketched."""

from sweeplens.known.sketch import Sketch, Sketcher

QUESTIONS = (
    (
        "A gardener plants eleven rows of beans with nine plants in each row, and a hare eats every third plant during "
        "the night. How many plants can the gardener still water in the morning?"
    ),
    "Which property of a copper wire changes most when it is cooled from room temperature to that of liquid nitrogen?",
    "Write a short story in which a lighthouse keeper finds a letter that was addressed to the keeper before him.",
    (
        "Two ferries leave opposite banks of a wide river at the same moment, meet seven hundred metres from one bank, "
        "and meet again four hundred metres from the other on their way back. How wide is the river?"
    ),
    "Explain to an apprentice baker why dough made with cold water rises more slowly than dough made with warm water.",
)
CHINESE = (
    "请用三句话说明为什么秋天的时候山上的枫叶会慢慢变成红色，然后再给小学生举一个简单的例子。",
    "一列火车从南站开出，每小时行驶八十公里，两个半小时以后到达北站，请问两站之间有多少公里？",
)


def sketch(texts) -> Sketch:
    sketcher = Sketcher()
    sketcher.add(list(texts))
    return sketcher.finish()


def row(made: Sketch, i: int) -> list[int]:
    return made.shingles[made.bounds[i] : made.bounds[i + 1]].tolist()
