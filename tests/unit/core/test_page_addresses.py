"""The page's own addresses, as the gateway knows them."""

import pytest

from core.page_addresses import takes_uploads


@pytest.mark.parametrize("page", ["", "/zh", "/d/helpdesk", "/d/a-2/zh"])
def test_uploads_of_every_page_are_known(page):
    assert takes_uploads(f"{page}/gradio_api/upload")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/gradio_api/upload",
        "/d//gradio_api/upload",
        "/d/2a/gradio_api/upload",
        "/gradio_api/upload/x",
        "/upload",
        "/",
    ],
)
def test_nothing_else_takes_uploads(path):
    assert not takes_uploads(path)
