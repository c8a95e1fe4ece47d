"""Reading domain packs: what is accepted, and what each mistake says."""

import json

import pytest

from core.errors import PackError, RequestError
from core.pack import load_pack

MINIMAL = "name: garden\npersona: You advise.\ncorpus: corpus/\n"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


@pytest.fixture
def pack(tmp_path):
    """Writes a pack and loads it."""

    def make(text=MINIMAL, *, schemas=(), train=()):
        root = tmp_path / "somewhere"
        (root / "corpus").mkdir(parents=True, exist_ok=True)
        (root / "schemas").mkdir(exist_ok=True)
        (root / "examples").mkdir(exist_ok=True)
        (root / "domain.yaml").write_text(text, encoding="utf-8")
        for name, content in dict(schemas).items():
            (root / "schemas" / f"{name}.json").write_text(content, encoding="utf-8")
        if train:
            (root / "examples" / "train.jsonl").write_text("\n".join(map(json.dumps, train)), encoding="utf-8")
        return load_pack(str(root), tmp_path / "shipped", tmp_path / "prepared")

    return make


def test_three_keys_make_a_pack(pack):
    garden = pack()
    assert (garden.name, garden.title, garden.persona) == ("garden", "Garden", "You advise.")
    assert garden.formats == ("text", "markdown")
    assert garden.train_examples == []
    assert [path.name for path in garden.corpus_paths] == ["corpus"]
    assert garden.is_prepared


def test_the_name_may_differ_from_the_folder(pack):
    assert pack().root.name == "somewhere"


def test_schemas_bring_json_and_yaml(pack):
    assert pack(schemas={"care": json.dumps(SCHEMA)}).formats == ("text", "markdown", "json", "yaml")


def test_a_shipped_pack_is_found_by_name(tmp_path):
    root = tmp_path / "shipped" / "garden"
    root.mkdir(parents=True)
    (root / "domain.yaml").write_text(MINIMAL, encoding="utf-8")
    assert load_pack("garden", tmp_path / "shipped", tmp_path).root == root.resolve()


def test_an_unknown_name_lists_the_shipped_ones(tmp_path):
    (tmp_path / "shipped" / "django").mkdir(parents=True)
    (tmp_path / "shipped" / "django" / "domain.yaml").touch()
    with pytest.raises(PackError, match=r"no domain 'djnago'.*django"):
        load_pack("djnago", tmp_path / "shipped", tmp_path)


def test_a_folder_without_domain_yaml_says_how_to_get_one(tmp_path):
    with pytest.raises(PackError, match=r"domain.yaml does not exist.*graft init"):
        load_pack(str(tmp_path), tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + "personna: x\n", r"unknown key 'personna'; known keys: name, persona, corpus"),
        (MINIMAL + "defaults: {arms: rag}\n", r"unknown key 'defaults.arms'; known keys: arm, format, k"),
        ("name: garden\ncorpus: corpus/\n", r"key 'persona' is missing"),
        (MINIMAL.replace("garden", "Garden Shop"), r"name: must be lower-case letters"),
        (MINIMAL + "formats: [text, html]\n", r"formats.1: Input should be 'text'"),
        (MINIMAL + "defaults: {arm: magic}\n", r"unknown arm 'magic': choose one of base, icl"),
        (MINIMAL.replace("corpus/", "[]"), r"corpus: "),
        ("- a\n", r"must hold keys and values"),
        ("name: [\n", r"not valid YAML"),
    ],
)
def test_a_wrong_domain_yaml_names_file_and_key_in_one_line(pack, text, message):
    with pytest.raises(PackError, match=message) as error:
        pack(text)
    assert "domain.yaml" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("entry", ["../elsewhere", "/etc", "corpus/../../x"])
def test_a_corpus_cannot_leave_the_pack(pack, entry):
    garden = pack(MINIMAL.replace("corpus/", f'["{entry}"]'))
    with pytest.raises(PackError, match="leaves the pack"):
        _ = garden.corpus_paths


def test_a_corpus_link_cannot_leave_the_pack(pack, tmp_path):
    garden = pack(MINIMAL.replace("corpus/", "link"))
    (garden.root / "link").symlink_to(tmp_path)
    with pytest.raises(PackError, match="leaves the pack"):
        _ = garden.corpus_paths


def test_a_missing_corpus_is_named(pack):
    with pytest.raises(PackError, match="'absent' does not exist"):
        _ = pack(MINIMAL.replace("corpus/", "absent")).corpus_paths


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "cannot be read as JSON"), ('{"type": 5}', "not a JSON Schema"), ('{"x-sections": "A"}', "x-sections")],
)
def test_a_broken_schema_is_named(pack, content, message):
    with pytest.raises(PackError, match=rf"bad.json.*{message}"):
        pack(schemas={"bad": content})


def test_an_example_with_an_unknown_schema_is_named(pack):
    row = {"id": "q1", "question": "Q?", "answer": {"a": "b"}, "format": "json", "schema": "cares"}
    garden = pack(schemas={"care": json.dumps(SCHEMA)}, train=[row])
    with pytest.raises(PackError, match=r"train.jsonl:1: no schema 'cares'; the pack has care"):
        _ = garden.train_examples


def test_schema_for_follows_format_and_name(pack):
    none, one, two = pack(), pack(schemas={"a": json.dumps(SCHEMA)}), None
    assert none.schema_for("text", None) is None
    assert none.schema_for("json", None) == {"type": "object"}
    assert one.schema_for("yaml", None) == SCHEMA
    assert one.schema_for("markdown", None) is None
    assert one.schema_for("markdown", "a") == SCHEMA
    two = pack(schemas={"a": json.dumps(SCHEMA), "b": '{"type": "object"}'})
    assert two.schema_for("json", None) == {"anyOf": [SCHEMA, {"type": "object"}]}
    with pytest.raises(RequestError, match="no schema 'c': it has a, b"):
        two.schema_for("json", "c")


def test_a_pack_with_prepare_keeps_its_data_in_the_workspace(pack, tmp_path):
    garden = pack(MINIMAL + "prepare: true\n")
    assert garden.data == tmp_path / "prepared" / "garden"
    assert not garden.is_prepared
    (garden.data / "examples").mkdir(parents=True)
    (garden.data / "examples" / "manifest.json").touch()
    assert garden.is_prepared
