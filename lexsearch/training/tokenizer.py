"""The tokenizer of the text tower: byte-level BPE over lower-cased captions."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

PAD, BOS, EOS = "<pad>", "<bos>", "<eos>"


def train_tokenizer(lines: Iterable[str], *, vocab_size: int) -> Tokenizer:
    """A tokenizer whose ids 0, 1, 2 are padding, begin and end; any text has an encoding.

    Byte-level BPE (Sennrich et al. 2016 over bytes): no text is out of vocabulary.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer
