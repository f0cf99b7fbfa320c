"""Every way in which two parsers can disagree on where a message ends, or what it is for."""

from . import chunks, endings, lengths, lines

CASES = lengths.CASES + chunks.CASES + lines.CASES + endings.CASES
