from labserver.practice.shown import Shown


def test_a_text_is_shown_as_it_is() -> None:
    shown = Shown("a\n<b>")
    assert repr(shown) == "a\n<b>"
    assert "a\n&lt;b&gt;</pre>" in shown._repr_html_()
