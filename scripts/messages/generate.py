#!/usr/bin/env python3
"""Writes crates/ottla-core/src/protocol/messages/*.rs from Kafka's message schemas.

    scripts/messages/generate.py <kafka-clients.jar or folder of schemas> [--check]

With --check nothing is written: differences from what is committed are printed, and the exit code is 1.

A request is only encoded and a response only decoded, for the versions named in MESSAGES below. Add a line there (and
the range to `ApiKey::versions`) to get another message. Fields that no version of the range has are left out; strings
and bytes are borrowed, by a request from the caller and by a response from the frame.
"""

import argparse
import difflib
import json
import pathlib
import re
import subprocess
import sys
import zipfile

# api: (first version, last version)
MESSAGES = {
    "AddOffsetsToTxn": (0, 4),
    "AddPartitionsToTxn": (0, 3),
    "ApiVersions": (0, 4),
    "EndTxn": (0, 5),
    "FindCoordinator": (0, 6),
    "InitProducerId": (0, 5),
    "Metadata": (4, 13),
    "TxnOffsetCommit": (0, 5),
}

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / "crates/ottla-core/src/protocol/messages"
NOTICE = "// Written by scripts/messages/generate.py from Kafka's message schemas; edit that instead.\n\n"

# schema type: (Rust type, method of Reader and Writer, length on the wire)
FIXED = {
    "bool": ("bool", "bool", 1),
    "int8": ("i8", "i8", 1),
    "int16": ("i16", "i16", 2),
    "int32": ("i32", "i32", 4),
    "int64": ("i64", "i64", 8),
    "uint32": ("u32", "u32", 4),
    "uuid": ("[u8; 16]", "uuid", 16),
}
# schema type: (Rust type, method, length of the length when classic)
SIZED = {
    "string": ("&'a str", "string", 2),
    "bytes": ("&'a [u8]", "bytes", 4),
}


class Versions:
    """A range of versions as the schemas write it: "none", "3", "3+" or "3-5"."""

    def __init__(self, first, last):
        self.first, self.last = first, last

    @staticmethod
    def parse(text):
        if text is None or text == "none":
            return Versions(1, 0)
        first, plus, last = re.fullmatch(r"(\d+)(\+|-(\d+))?", text).groups()
        return Versions(int(first), 32767 if plus == "+" else int(last or first))

    def __and__(self, other):
        return Versions(max(self.first, other.first), min(self.last, other.last))

    def __contains__(self, version):
        return self.first <= version <= self.last

    def __bool__(self):
        return self.first <= self.last

    def condition(self, within):
        """The Rust condition for a version of `within` to be in this range, or None if all are."""
        tests = []
        if self.first > within.first:
            tests.append(f"version >= {self.first}")
        if self.last < within.last:
            tests.append(f"version <= {self.last}")
        if len(tests) == 2:
            return f"({self.first}..={self.last}).contains(&version)"
        return tests[0] if tests else None


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Field:
    def __init__(self, schema, owner):
        self.name = snake(schema["name"])
        self.path = f"{owner.name}.{self.name}"
        self.owner = owner
        self.type = schema["type"]
        self.is_array = self.type.startswith("[]")
        self.element = self.type.removeprefix("[]")
        self.versions = Versions.parse(schema["versions"]) & owner.versions
        self.nullable = bool(Versions.parse(schema.get("nullableVersions")) & self.versions)
        self.tag = schema.get("tag")
        self.raw_default = schema.get("default")
        if schema.get("flexibleVersions"):
            raise NotImplementedError(f"{self.path}: flexibleVersions of its own")
        if self.tag is not None and Versions.parse(schema["taggedVersions"]).first != self.versions.first:
            raise NotImplementedError(f"{self.path}: tagged in some of its versions only")

    def element_type(self):
        if self.element in FIXED:
            return FIXED[self.element][0]
        if self.element in SIZED:
            return SIZED[self.element][0]
        return self.owner.message.structs[self.element].rust_type()

    def rust_type(self):
        inner = f"Vec<{self.element_type()}>" if self.is_array else self.element_type()
        return f"Option<{inner}>" if self.nullable else inner

    def borrows(self):
        return "'a" in self.element_type()

    def default(self):
        """The default as Rust writes it."""
        if self.nullable and (self.raw_default in (None, "null")):
            return "None" if self.raw_default == "null" or not self.is_array else "Some(Vec::new())"
        value = "Vec::new()" if self.is_array else self.plain_default()
        return f"Some({value})" if self.nullable else value

    def plain_default(self):
        if self.element == "bool":
            return str(self.raw_default or False).lower()
        if self.element == "uuid":
            return "[0; 16]"
        if self.element in FIXED:
            return {-2147483648: "i32::MIN"}.get(int(self.raw_default or 0), str(int(self.raw_default or 0)))
        if self.element == "string":
            return json.dumps(self.raw_default or "")
        if self.element == "bytes":
            return "&[]"
        return f"{self.element}::default()"

    def has_derived_default(self):
        return self.default() in ("0", "false", "None", '""', "&[]", "Vec::new()", "[0; 16]")

    def min_len(self, version):
        """The least number of bytes this field takes in a version."""
        if version not in self.versions or self.tag is not None:
            return 0
        flexible = version in self.owner.message.flexible
        if self.is_array:
            return 1 if flexible else 4
        return self.min_element_len(version)

    def min_element_len(self, version):
        if self.element in FIXED:
            return FIXED[self.element][2]
        if self.element in SIZED:
            return 1 if version in self.owner.message.flexible else SIZED[self.element][2]
        return self.owner.message.structs[self.element].min_len(version)

    def read_element(self, reader):
        if self.element in FIXED:
            return f'{reader}.{FIXED[self.element][1]}("{self.path}")'
        if self.element in SIZED:
            nullable = "nullable_" if self.nullable and not self.is_array else ""
            return f'{reader}.{nullable}{SIZED[self.element][1]}(form, "{self.path}")'
        return f"{self.element}::decode({reader}, version)"

    def read(self):
        """A Rust expression that reads the field in the versions that have it."""
        if not self.is_array:
            if self.nullable and self.element not in SIZED:
                raise NotImplementedError(f"{self.path}: nullable {self.element}")
            return self.read_element("reader") + "?"
        kind = "nullable_array" if self.nullable else "array"
        least = min(self.min_element_len(v) for v in self.owner.message.all_versions() if v in self.versions)
        return f'reader.{kind}(form, {least}, "{self.path}", |reader| {self.read_element("reader")})?'

    def write_element(self, value):
        if self.element in FIXED:
            if self.element == "uuid":
                value = "&" + value if value.startswith("self.") else value
            elif not value.startswith("self."):
                value = "*" + value
            return f"writer.{FIXED[self.element][1]}({value});"
        if self.element in SIZED:
            nullable = "nullable_" if self.nullable and not self.is_array else ""
            return f"writer.{nullable}{SIZED[self.element][1]}(form, {value});"
        return f"{value}.encode_into(version, writer);"

    def write(self):
        value = f"self.{self.name}"
        if not self.is_array:
            return self.write_element(value)
        loop = lambda items: f"for element in {items} {{ {self.write_element('element')} }}"
        if self.nullable:
            return (
                f"writer.nullable_array_len(form, {value}.as_ref().map(Vec::len));\n"
                f"{loop(f'{value}.iter().flatten()')}"
            )
        return f"writer.array_len(form, {value}.len());\n{loop('&' + value)}"


class Struct:
    def __init__(self, message, schema, versions):
        self.message, self.name = message, schema["name"]
        self.versions = Versions.parse(schema.get("versions", "0+")) & versions
        message.structs[self.name] = self
        self.fields = []
        for field_schema in schema["fields"]:
            field = Field(field_schema, self)
            if not field.versions:
                continue
            if "fields" in field_schema:
                Struct(message, {**field_schema, "name": field.element}, field.versions)
            self.fields.append(field)

    def borrows(self):
        return any(field.borrows() for field in self.fields)

    def rust_type(self):
        return f"{self.name}<'a>" if self.borrows() else self.name

    def min_len(self, version):
        end = 1 if version in self.message.flexible else 0
        return end + sum(field.min_len(version) for field in self.fields)

    def definition(self):
        derived = all(field.has_derived_default() for field in self.fields)
        doc = self.message.doc() if self.name == self.message.name else f"Part of [`{self.message.name}`]."
        fields = "".join(f"pub {field.name}: {field.rust_type()},\n" for field in self.fields)
        out = f"/// {doc}\n#[derive(Clone, Debug, {'Default, ' if derived else ''}PartialEq, Eq)]\n"
        out += f"pub struct {self.rust_type()} {{\n{fields}}}\n\n"
        if not derived:
            values = "".join(f"{field.name}: {field.default()},\n" for field in self.fields)
            anonymous = "<'_>" if self.borrows() else ""
            out += f"impl Default for {self.name}{anonymous} {{\nfn default() -> Self {{\n{self.name} {{\n{values}}}\n}}\n}}\n\n"
        return out

    def uses_form(self):
        """Whether anything in the struct itself depends on the form."""
        return bool(self.message.flexible & self.message.range) or any(
            field.is_array or field.element in SIZED for field in self.fields
        )

    def decoder(self):
        is_top = self.name == self.message.name
        out = ""
        for field in self.fields:
            if field.tag is not None:
                out += f"{field.name}: {field.default()},\n"
                continue
            condition = field.versions.condition(self.versions)
            if condition is None:
                out += f"{field.name}: {field.read()},\n"
            else:
                out += f"{field.name}: if {condition} {{ {field.read()} }} else {{ {field.default()} }},\n"
        tagged = [field for field in self.fields if field.tag is not None]
        form = "let form = Form::of(version, FLEXIBLE_SINCE);\n" if self.uses_form() else ""
        body = f"let {'mut ' if tagged else ''}message = {self.name} {{\n{out}}};\n"
        if tagged:
            arms = "".join(f"{field.tag} => message.{field.name} = {field.read()},\n" for field in tagged)
            body += (
                f"if form.is_flexible() {{\n"
                f'reader.tagged_fields("{self.name}.tagged_fields", |tag, reader| {{\n'
                f"match tag {{\n{arms}_ => {{}}\n}}\nOk(())\n}})?;\n}}\n"
            )
        elif self.message.flexible & self.message.range:
            body += f'reader.skip_tagged_fields(form, "{self.name}.tagged_fields")?;\n'
        reader = "Reader<'a>" if self.borrows() else "Reader<'_>"
        visibility = "pub " if is_top else ""
        version = "version" if "version" in form + body else "_version"
        check = "debug_assert!(VERSIONS.contains(version));\n" if is_top else ""
        return (
            f"{visibility}fn decode(reader: &mut {reader}, {version}: i16) -> Result<Self> {{\n"
            f"{check}{form}{body}Ok(message)\n}}\n"
        )

    def encoder(self):
        body = ""
        for field in self.fields:
            if field.tag is not None:
                raise NotImplementedError(f"{field.path}: tagged fields of requests")
            condition = field.versions.condition(self.versions)
            body += field.write() + "\n" if condition is None else f"if {condition} {{ {field.write()} }}\n"
        form = "let form = Form::of(version, FLEXIBLE_SINCE);\n" if self.uses_form() else ""
        if self.message.flexible & self.message.range:
            body += "writer.no_tagged_fields(form);\n"
        version = "version" if "version" in form + body else "_version"
        out = ""
        if self.name == self.message.name:
            out += (
                "/// Appends the request's body. What the version does not have is left out.\n"
                "pub fn encode(&self, version: i16, out: &mut Vec<u8>) {\n"
                "debug_assert!(VERSIONS.contains(version));\n"
                "self.encode_into(version, &mut Writer::new(out));\n}\n\n"
            )
        return f"{out}fn encode_into(&self, {version}: i16, writer: &mut Writer<'_>) {{\n{form}{body}}}\n"

    def implementation(self):
        is_request = self.message.is_request
        lifetime = "<'a>" if self.borrows() and not is_request else ""
        anonymous = "<'_>" if self.borrows() and is_request else ""
        consts = ""
        if self.name == self.message.name:
            consts = "pub const VERSIONS: VersionRange = VERSIONS;\npub const FLEXIBLE_SINCE: i16 = FLEXIBLE_SINCE;\n\n"
        code = self.encoder() if is_request else self.decoder()
        return f"impl{lifetime} {self.name}{lifetime or anonymous} {{\n{consts}{code}}}\n\n"


class Message:
    def __init__(self, schema, first, last):
        self.name = schema["name"]
        self.is_request = schema["type"] == "request"
        self.range = Versions(first, last)
        valid = Versions.parse(schema["validVersions"])
        if first not in valid or last not in valid:
            raise ValueError(f"{self.name} has the versions {schema['validVersions']}")
        self.flexible = Versions.parse(schema["flexibleVersions"])
        self.structs = {}
        Struct(self, schema, self.range)
        for common in schema.get("commonStructs", []):
            Struct(self, common, self.range)

    def all_versions(self):
        return range(self.range.first, self.range.last + 1)

    def doc(self):
        flexible = f"flexible from {self.flexible.first}" if self.flexible else "never flexible"
        return f"{self.name}, versions {self.range.first} to {self.range.last}, {flexible}."

    def rust(self):
        tools = "Form, Writer" if self.is_request else "Form, Reader"
        since = self.flexible.first if self.flexible else "i16::MAX"
        out = NOTICE
        out += "use crate::protocol::api::VersionRange;\n"
        out += f"use crate::protocol::wire::{{{tools}}};\n"
        out += "" if self.is_request else "use crate::Result;\n"
        out += f"\nconst VERSIONS: VersionRange = VersionRange::new({self.range.first}, {self.range.last});\n"
        out += f"const FLEXIBLE_SINCE: i16 = {since};\n\n"
        for struct in self.structs.values():
            if struct.versions:
                out += struct.definition() + struct.implementation()
        return out


def load(source, name):
    """A schema is JSON with // comments on separate lines."""
    path = pathlib.Path(source)
    if path.is_dir():
        text = (path / f"{name}.json").read_text()
    else:
        with zipfile.ZipFile(path) as jar:
            text = jar.read(f"common/message/{name}.json").decode()
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))


def formatted(code):
    command = ["rustfmt", "--edition", "2024", "--config-path", str(ROOT)]
    return subprocess.run(command, input=code, capture_output=True, text=True, check=True).stdout


def generate(source):
    """Returns {file name: text}."""
    files = {}
    modules, exports = "", ""
    for api, (first, last) in sorted(MESSAGES.items()):
        for kind in ("Request", "Response"):
            message = Message(load(source, api + kind), first, last)
            module = snake(message.name)
            files[f"{module}.rs"] = formatted(message.rust())
            modules += f"mod {module};\n"
            names = ", ".join(struct.name for struct in message.structs.values() if struct.versions)
            exports += f"pub use {module}::{{{names}}};\n"
    allow = '#![allow(dead_code, unused_imports, reason = "messages are whole, whatever of them is used")]'
    files["mod.rs"] = formatted(f"//! The messages of the control plane.\n\n{NOTICE}{allow}\n\n{modules}\n{exports}")
    return files


def check(files):
    """Prints how the committed files differ; returns the exit code."""
    clean = True
    for name in sorted(files.keys() | {path.name for path in TARGET.glob("*.rs")}):
        path = TARGET / name
        committed = path.read_text().splitlines() if path.exists() else []
        fresh = files.get(name, "").splitlines()
        for line in difflib.unified_diff(committed, fresh, f"committed {name}", f"generated {name}", lineterm=""):
            clean = False
            print(line)
    return 0 if clean else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="kafka-clients.jar, or a folder with its common/message/*.json")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    files = generate(arguments.source)
    if arguments.check:
        return check(files)
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (TARGET / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
