"""api/openapi.yaml as the tests use it: every answer of the API is compared with what the contract says of it."""

import re
from functools import cache

import jsonschema
import yaml

from .edge import ROOT

METHODS = ("get", "post", "put", "patch", "delete")


class Operation:
    def __init__(self, document, path, method, entry, shared):
        self.path, self.method, self.id = path, method.upper(), entry["operationId"]
        self.access = entry["x-access"]
        self.read_only = method == "get" or entry.get("x-read-only", False)
        self.parameters = [document.resolve(p) for p in shared + entry.get("parameters", [])]
        body = entry.get("requestBody")
        self.body = body["content"]["application/json"]["schema"] if body else None
        self.body_required = bool(body and body.get("required"))
        self.responses = entry["responses"]
        self.pattern = re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", path) + "$")

    def needs_if_match(self):
        return any(p["in"] == "header" and p["name"] == "if-match" for p in self.parameters)

    def __repr__(self):
        return f"{self.method} {self.path}"


class Contract:
    def __init__(self, text):
        self.document = yaml.safe_load(text)
        self.operations = [Operation(self, path, method, item[method], item.get("parameters", []))
                           for path, item in self.document["paths"].items() for method in METHODS if method in item]

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"][2:].split("/"):
                target = target[part]
            node = target
        return node

    def operation(self, method, path):
        """The one that this request is for; a path without parameters wins."""
        found = [o for o in self.operations if o.method == method and o.pattern.match(path)]
        return min(found, key=lambda o: o.path.count("{")) if found else None

    @cache
    def _validator(self, pointer):
        schema = {"$ref": f"contract:{pointer}"}
        resolver = jsonschema.RefResolver("contract:", self.document)
        return jsonschema.Draft202012Validator(schema, resolver=resolver)

    def check(self, operation, status, content_type, value):
        """Fails with what in the answer is not as the contract says. Fields that the contract does not name fail, too."""
        assert operation is not None, "the contract has no such operation"
        entry = operation.responses.get(str(status))
        if entry is None:
            assert status >= 400, f"{operation} answered {status}, which the contract does not name"
            entry = operation.responses["default"]
        entry = self.resolve(entry)
        if "content" not in entry:
            assert value is None, f"{operation} answered {status} with a body"
            return
        assert content_type.split(";")[0] in entry["content"], f"{operation} answered {content_type}"
        media = entry["content"][content_type.split(";")[0]]
        if "json" not in content_type:
            return
        wrong = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in self._errors(media["schema"], value)]
        assert not wrong, f"{operation} answered {status} not as the contract says: {wrong[:5]}\n{value}"
        unknown = list(self._unknown(media["schema"], value, ""))
        assert not unknown, f"{operation} answered fields that the contract does not name: {unknown}"

    def _errors(self, schema, value):
        resolver = jsonschema.RefResolver("", self.document)
        return jsonschema.Draft202012Validator(schema, resolver=resolver).iter_errors(value)

    def _unknown(self, schema, value, at):
        schema = self.resolve(schema)
        properties = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            properties.update(self.resolve(part).get("properties", {}))
        if isinstance(value, dict) and properties and "x-checked-by" not in schema:
            for key, item in value.items():
                if key not in properties:
                    yield f"{at}/{key}"
                else:
                    yield from self._unknown(properties[key], item, f"{at}/{key}")
        elif isinstance(value, list) and "items" in schema:
            for item in value[:3]:
                yield from self._unknown(schema["items"], item, f"{at}/*")


@cache
def the_contract():
    return Contract((ROOT / "api" / "openapi.yaml").read_text())
