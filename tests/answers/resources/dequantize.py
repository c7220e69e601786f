"""Wrong and right answers to resources.dequantize."""

import torch
from answers import answers

wrong, right, good = answers("resources.dequantize")

wrong("return_type")(lambda c, s, v, b: (v[c.long()] * s.repeat_interleave(b)).tolist())
wrong("exception")(lambda c, s, v, b: v[c.long()] * s)
wrong("value")(lambda c, s, v, b: v[c.long()] * s.repeat_interleave(b) + 1)
right(lambda c, s, v, b: v[c.int()] * s.repeat_interleave(b))
right(lambda c, s, v, b: (v[c.long()].view(-1, b) * s[:, None]).flatten().double())
right(lambda c, s, v, b: torch.stack([v[int(c[i])] * s[i // b] for i in range(len(c))]))
