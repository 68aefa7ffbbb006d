"""openapi.yaml as a judge: does an answer of the router have the form that the description promises?

`Contract().check(method, path, status, body)` finds the operation of a path and holds the body against its schema
(JSON Schema 2020-12, which OpenAPI 3.1 is made of).
"""
import re

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from daemon import ROOT


class Contract:
    def __init__(self):
        self.document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self.registry = Registry().with_resource("urn:openapi", resource)
        self.patterns = []
        for template in sorted(self.document["paths"], key=lambda t: t.count("{")):
            expression = re.sub(r"\{[^}]*\}", "[^/]+", template)
            self.patterns.append((re.compile(expression), template))

    def operation(self, method, path):
        path = path.partition("?")[0]
        for expression, template in self.patterns:
            if expression.fullmatch(path):
                return self.document["paths"][template][method.lower()]
        raise LookupError(f"{path} is not described")

    def _resolved(self, value):
        while "$ref" in value:
            found = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/")]
            value = found
        return value

    def check(self, method, path, status, body):
        """Asserts that this JSON may be the answer."""
        responses = self.operation(method, path)["responses"]
        assert str(status) in responses, f"{method} {path}: {status} is not described"
        content = self._resolved(responses[str(status)])["content"]
        schema = next(kind["schema"] for name, kind in content.items() if "json" in name)
        absolute = {"$ref": "urn:openapi" + schema["$ref"]} if "$ref" in schema else schema
        validator = Draft202012Validator(absolute, registry=self.registry,
                                         format_checker=Draft202012Validator.FORMAT_CHECKER)
        errors = [f"{e.json_path}: {e.message[:300]}" for e in validator.iter_errors(body)]
        assert not errors, f"{method} {path} answered {status}: {errors[:5]}"
