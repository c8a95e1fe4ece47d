from core.corpus_desk import ChunkRow, DocumentPage, DocumentRow, ExplainedHit, FileState
from ui.render_documents import PAGE_ROWS, chunks_html, documents_html, hits_html, uploads_html


def page(*rows, found=None):
    return DocumentPage(rows=list(rows), found=found or len(rows), indexed=1, rejected=1)


def test_a_row_offers_what_can_be_done():
    own = DocumentRow(source='a"<b>.md', state="indexed", title="<i>T</i>", size=2048, chunks=3)
    uploaded = DocumentRow(source="uploads/b.md", state="rejected", reason="no <text>", uploaded=True, size=3 << 20)
    drawn = documents_html(page(own, uploaded), "garden", 0, None)
    assert 'href="/documents/garden/a%22%3Cb%3E.md"' in drawn
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert "no &lt;text&gt;" in drawn
    assert drawn.count('value="delete"') == 1
    assert drawn.count('value="open"') == 1
    assert "2 KiB" in drawn
    assert "3.0 MiB" in drawn


def test_long_lists_have_pages():
    row = DocumentRow(source="a.md", state="indexed")
    first = documents_html(page(row, found=120), "garden", 0, None)
    assert f'value="documents {PAGE_ROWS}"' in first
    assert "Previous" not in first
    last = documents_html(page(row, found=120), "garden", 100, None)
    assert "101 to 120 of 120" in last
    assert "Next" not in last


def test_chunks_and_hits_are_text():
    chunk = ChunkRow(locator="A > <b>", place="page 2", start=0, end=1200, text="<script>x</script>")
    drawn = chunks_html("a.md", [chunk], 20, 21)
    assert "A › &lt;b&gt; · page 2 · characters 0 to 1,200" in drawn
    assert "<script>" not in drawn
    assert '<span class="number">21</span>' in drawn
    hit = ExplainedHit(source="a.md", locator="A", text="<u>", start=3, end=6, score=0.5, words_rank=2, words=7.25)
    drawn = hits_html([hit], "garden")
    assert "2. (7.25)" in drawn
    assert "not found" in drawn
    assert "<u>" not in drawn
    assert 'href="/documents/garden/a.md?from=3&amp;to=6#quote"' in drawn


def test_uploads_tell_each_files_state():
    files = [FileState(name="<a>.md"), FileState(name="b.exe", state="rejected", reason="no text")]
    drawn = uploads_html(files, "Reading", 0.5)
    assert '<li class="waiting">' in drawn
    assert "&lt;a&gt;.md" in drawn
    assert "no text" in drawn
    assert "Reading 50%" in drawn
    assert uploads_html([]) == ""
