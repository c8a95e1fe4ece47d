"""Encodings: stated, recognised, or refused; never guessed in silence."""

import pytest

from ingest.decode import decode

GERMAN = "Über die Prüfung der Geräte steht hier ein längerer Satz, damit die Kodierung erkennbar ist. Größe: 5 Öfen.\n"
SAMPLES = {
    "cp1252": "L’été dernier, nous avons reçu plusieurs réclamations à propos de la batterie.",
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy. Připojte kabel k měniči a zkontrolujte napětí.",
    "iso8859_2": "Żółty przewód należy podłączyć do zacisku po lewej stronie, a potem zamknąć pokrywę.",
    "cp1254": "Çalışmaya başlamadan önce güç kaynağını kapatın. Şarj işlemi bitince ışık yeşil yanar.",
    "cp1251": "Перед началом работы отключите питание. Аккумулятор должен быть заряжен.",
    "koi8_r": "Перед началом работы отключите питание. Аккумулятор должен быть заряжен.",
    "cp1253": "Πριν ξεκινήσετε, αποσυνδέστε την παροχή ρεύματος. Η μπαταρία πρέπει να είναι φορτισμένη.",
    "shift_jis": "作業を始める前に電源を切ってください。バッテリーは充電されている必要があります。",
    "euc_jp": "作業を始める前に電源を切ってください。バッテリーは充電されている必要があります。",
    "iso2022_jp": "作業を始める前に電源を切ってください。",
    "gb18030": "开始工作之前请先断开电源。电池必须至少充电到百分之五十，否则逆变器不会启动。",
    "big5": "開始工作之前請先斷開電源。電池必須至少充電到百分之五十，否則逆變器不會啟動。",
    "euc_kr": "작업을 시작하기 전에 전원을 끄십시오. 배터리는 충전되어 있어야 합니다.",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_what_states_itself_is_read_without_a_remark(encoding):
    assert decode(GERMAN.replace("\n", "\r\n").encode(encoding)) == (GERMAN, "")


@pytest.mark.parametrize("encoding", SAMPLES)
def test_what_states_nothing_is_recognised(encoding):
    assert decode(SAMPLES[encoding].encode(encoding)).text == SAMPLES[encoding]


def test_short_cyrillic_is_told_by_its_capitals():
    text = "Перед началом работы отключите питание."
    assert {decode(text.encode(encoding)).text for encoding in ("koi8_r", "cp1251")} == {text}


@pytest.mark.parametrize("text", ["Das Ventil ist grün.", "It’s fine – really", "10 °C", "café"])
def test_a_single_accent_is_western(text):
    assert decode(text.encode("cp1252")) == (text, "cp1252")


def test_japanese_among_english_is_no_korean():
    text = "Error E101: the battery is cold. 電池が冷たい。Wait until the room is warm, then start it again. " * 4
    assert decode(text.encode("shift_jis")).text == text


def test_a_guess_is_named():
    assert decode(SAMPLES["koi8_r"].encode("koi8_r")).guess == "koi8_r"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"ab\0cd", "NUL"),
        (b"\xff\xfea\0b", "starts like UTF-16"),
        (bytes(range(128, 256)) * 9 + b"\x81\x8d\x8f", "no other encoding"),
    ],
)
def test_what_is_no_text_is_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        decode(data)


def test_line_ends_are_one():
    assert decode(b"a\r\nb\rc\n").text == "a\nb\nc\n"
