import gzip

import pytest
from django.core.files.base import ContentFile

from engine.errors import DataError
from webapp.datasets.content import checked_name

TEXT = b"user_id,item_id,timestamp\n1,2,3\n"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (TEXT, "interactions.csv"),
        (gzip.compress(TEXT), "interactions.csv.gz"),
        (TEXT.decode().encode("utf-16"), "interactions.csv"),
        (b"\xef\xbb\xbf" + TEXT, "interactions.csv"),
        (b'{"user_id": 1}', "interactions.jsonl"),
        (b"PAR1\x00", "interactions.parquet"),
        (b"PK\x03\x04rest", "interactions.zip"),
    ],
)
def test_content_names_the_file(content: bytes, name: str) -> None:
    file = ContentFile(content, name="whatever.exe")
    assert checked_name("interactions", file) == name
    assert file.read() == content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"PK\x03\x04....[Content_Types].xml", "a spreadsheet"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a PNG picture"),
        (b"a,b\n1,\x00", "NUL byte at offset 6"),
        (b"\x01\x02\x03", "of an unknown kind"),
    ],
)
def test_what_is_no_text_is_refused_with_a_hint(content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        checked_name("items", ContentFile(content))
    assert caught.value.hint
