"""What Home Assistant and HACS check before they publish an integration, without their programs.

Each check takes the folder of an integration and yields its problems, one line each.
"""

from __future__ import annotations

import ast
import json
import re
import struct
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hass_frontend
import homeassistant.components
import yaml
from awesomeversion import AwesomeVersion, AwesomeVersionException, AwesomeVersionStrategy
from homeassistant.const import Platform
from homeassistant.helpers import selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# Where an integration may take things from without naming them in its manifest.
_COMPONENTS_FOR_ALL = {
    *Platform,
    *("automation", "device_automation", "diagnostics", "frontend", "homeassistant"),
    *("persistent_notification", "person", "repairs", "script", "sun", "system_health"),
    *("webhook", "websocket_api", "zone"),
}
# All of it comes with Home Assistant; `probatio` is its voluptuous.
_LIBRARIES = {"homeassistant", "voluptuous", "probatio", "aiohttp", "yarl"}

_MANIFEST_REQUIRED = {
    *("domain", "name", "codeowners", "documentation", "integration_type", "iot_class"),
    *("issue_tracker", "version"),  # what a custom one needs, the first for HACS
}
_MANIFEST_OPTIONAL = {
    *("after_dependencies", "bluetooth", "config_flow", "dependencies", "dhcp", "homekit"),
    *("loggers", "mqtt", "quality_scale", "requirements", "single_config_entry", "ssdp"),
    *("usb", "zeroconf"),
}
_INTEGRATION_TYPES = {"device", "entity", "hardware", "helper", "hub", "service", "system"}
_IOT_CLASSES = {
    *("assumed_state", "calculated", "cloud_polling", "cloud_push"),
    *("local_polling", "local_push"),
}
_VERSIONS = [AwesomeVersionStrategy.SEMVER, AwesomeVersionStrategy.CALVER]
_FIELD_KEYS = {"required", "advanced", "default", "example", "filter", "selector"}
_HACS_KEYS = {
    *("content_in_root", "country", "filename", "hacs", "hide_default_branch", "homeassistant"),
    *("name", "persistent_directory", "render_readme", "zip_release"),
}
RULES = set(  # one to a line would take a page
    """
    action-setup appropriate-polling brands common-modules config-flow-test-coverage config-flow
    dependency-transparency docs-actions docs-triggers docs-conditions
    docs-high-level-description docs-installation-instructions docs-removal-instructions
    entity-event-setup entity-unique-id has-entity-name runtime-data test-before-configure
    test-before-setup unique-config-entry
    action-exceptions config-entry-unloading docs-configuration-parameters
    docs-installation-parameters entity-unavailable integration-owner log-when-unavailable
    parallel-updates reauthentication-flow test-coverage
    devices diagnostics discovery-update-info discovery docs-data-update docs-examples
    docs-known-limitations docs-supported-devices docs-supported-functions docs-troubleshooting
    docs-use-cases dynamic-devices entity-category entity-device-class
    entity-disabled-by-default entity-translations exception-translations icon-translations
    reconfiguration-flow repair-issues stale-devices
    async-dependency inject-websession strict-typing
    """.split()  # noqa: SIM905
)

_KEY = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_ICON = re.compile(r"mdi:([a-z0-9-]+)")
_UNWANTED = (
    (r"^$|^\s|\s$", "is empty or has blanks around it"),
    (r"(?i)</?[a-z][^>]*>", "has HTML"),
    (r"\w+://|\bwww\.", "has an address: make it a placeholder"),
    (r"'\{\w+\}'", "has a placeholder in single quotes"),
    (r"\[%", "has a reference, which works in Home Assistant itself only"),
)

# What may stand in strings.json: `str` is a text, "*" any key, "!" before a key one that must be
# there, ANY whatever there is.
ANY: Any = object()
_STEP = {
    "title": str,
    "description": str,
    "submit": str,
    "data": {"*": str},
    "data_description": {"*": str},
    "sections": {
        "*": {
            "name": str,
            "description": str,
            "data": {"*": str},
            "data_description": {"*": str},
        }
    },
    "menu_options": {"*": str},
    "menu_option_descriptions": {"*": str},
}
_FLOW = {
    "step": {"*": _STEP},
    "error": {"*": str},
    "abort": {"*": str},
    "progress": {"*": str},
    "create_entry": {"*": str},
}
_ATTRIBUTE = {"name": str, "state": {"*": str}}
_STRINGS = {
    "title": str,
    "common": {"*": str},
    "config": {"flow_title": str, "initiate_flow": {"*": str}, **_FLOW},
    "options": _FLOW,
    "config_subentries": {
        "*": {
            "!entry_type": str,
            "!initiate_flow": {"!user": str, "reconfigure": str},
            **_FLOW,
        }
    },
    "device": {"*": {"!name": str}},
    "entity": {
        "*": {
            "*": {
                "name": str,
                "unit_of_measurement": str,
                "state": {"*": str},
                "state_attributes": {"*": _ATTRIBUTE},
            }
        }
    },
    "exceptions": {"*": {"!message": str}},
    "issues": {"*": {"!title": str, "description": str, "fix_flow": _FLOW}},
    "selector": {
        "*": {"options": {"*": str}, "choices": {"*": str}, "fields": {"*": {"*": str}}},
    },
    "services": {
        "*": {
            "!name": str,
            "!description": str,
            "fields": {"*": {"!name": str, "!description": str, "example": str}},
            "sections": {"*": {"!name": str, "description": str}},
        }
    },
    "system_health": {"!info": {"*": str}},
    "device_automation": ANY,
    "triggers": ANY,
    "conditions": ANY,
}
_ICONS = {
    "entity": {
        "*": {
            "*": {
                "!default": str,
                "state": {"*": str},
                "range": {"*": str},
                "state_attributes": {
                    "*": {"!default": str, "state": {"*": str}, "range": {"*": str}}
                },
            }
        }
    },
    "services": {"*": {"!service": str, "sections": {"*": str}}},
    "triggers": ANY,
    "conditions": ANY,
}


def manifest(folder: Path) -> Iterator[str]:
    """manifest.json has the keys that it needs, in the order in which they are wanted."""
    found = _json(folder / "manifest.json")
    keys = list(found)
    if keys != sorted(keys, key=lambda key: ({"domain": 0, "name": 1}.get(key, 2), key)):
        yield "manifest: the order is domain, name, then by the alphabet"
    for key in sorted(_MANIFEST_REQUIRED - set(keys)):
        yield f"manifest: {key} is missing"
    for key in sorted(set(keys) - _MANIFEST_REQUIRED - _MANIFEST_OPTIONAL):
        yield f"manifest: {key} is no key"
    if found.get("domain") != folder.name:
        yield "manifest: the domain is not the name of the folder"
    if bool(found.get("config_flow")) != (folder / "config_flow.py").exists():
        yield "manifest: config_flow and config_flow.py go together"
    yield from _wrong_values(found)


def _wrong_values(found: dict[str, Any]) -> Iterator[str]:
    if found.get("integration_type") not in _INTEGRATION_TYPES:
        yield "manifest: no such integration_type"
    if found.get("iot_class") not in _IOT_CLASSES:
        yield "manifest: no such iot_class"
    owners = found.get("codeowners")
    if not isinstance(owners, list) or any(one[:1] != "@" for one in owners):
        yield "manifest: codeowners is a list of @names"
    for key in ("documentation", "issue_tracker"):
        address = str(found.get(key, ""))
        if not address.startswith("https://") or "home-assistant.io/" in address:
            yield f"manifest: {key} is an address of our own, with https"
    try:
        AwesomeVersion(found.get("version", ""), ensure_strategy=_VERSIONS)
    except AwesomeVersionException:
        yield "manifest: version is no version"
    for key in ("dependencies", "after_dependencies"):
        for name in found.get(key, []):
            if not (_components() / name).is_dir():
                yield f"manifest: {key}: there is no integration {name}"


def strings(folder: Path) -> Iterator[str]:
    """strings.json and the English translation are the same and as Home Assistant wants them."""
    found = _json(folder / "strings.json")
    if found != _json(folder / "translations" / "en.json"):
        yield "strings: translations/en.json is not the same"
    yield from _problems_of_texts(found, "strings")
    if list(found.get("services", {})) != sorted(found.get("services", {})):
        yield "strings: services are sorted"


def translations(folder: Path) -> Iterator[str]:
    """Every translation has the texts of the English one, with the same placeholders."""
    english = _texts(_json(folder / "translations" / "en.json"))
    for path in sorted((folder / "translations").glob("*.json")):
        if not re.fullmatch(r"[a-z]{2,3}(-[A-Z][A-Za-z]+)?", path.stem):
            yield f"translations: {path.stem} is no language"
        found = _json(path)
        yield from _problems_of_texts(found, path.stem)
        texts = _texts(found)
        for key in sorted(english.keys() - texts.keys()):
            yield f"{path.stem}: {key} is missing"
        for key in sorted(texts.keys() - english.keys()):
            yield f"{path.stem}: {key} is not in English"
        for key in sorted(texts.keys() & english.keys()):
            if _placeholders(texts[key]) != _placeholders(english[key]):
                yield f"{path.stem}: {key} has other placeholders than English"


def icons(folder: Path) -> Iterator[str]:
    """icons.json names icons that exist, and one for every action."""
    found = _json(folder / "icons.json")
    yield from _misshapen(found, _ICONS, "icons")
    for key, icon in _texts(found).items():
        match = _ICON.fullmatch(icon)
        if not match or match[1] not in _known_icons():
            yield f"icons: {key}: there is no icon {icon}"
    for platform, entities in found.get("entity", {}).items():
        for name, entity in entities.items():
            for state, icon in entity.get("state", {}).items():
                if icon == entity.get("default"):
                    yield f"icons: {platform}.{name}: {state} has the default icon"
    actions, with_icon = set(_services(folder)), set(found.get("services", {}))
    for name in sorted(actions - with_icon):
        yield f"icons: the action {name} has none"
    for name in sorted(with_icon - actions):
        yield f"icons: {name} is no action"


def services(folder: Path) -> Iterator[str]:
    """services.yaml has selectors that Home Assistant takes, and strings.json the words for it."""
    found = _services(folder)
    texts = _json(folder / "strings.json")
    for name in sorted(found.keys() ^ texts.get("services", {}).keys()):
        yield f"services: {name} is in one of services.yaml and strings.json only"
    for name, service in found.items():
        yield from _problems_of_action(name, service or {}, texts)


def _problems_of_action(name: str, action: dict[str, Any], texts: Any) -> Iterator[str]:
    if set(action) - {"target", "fields"}:
        yield f"services: {name} has keys beside target and fields"
    if "target" in action:
        yield from _refused({"target": action["target"]}, f"services: {name}")
    fields: dict[str, Any] = {}
    sections = set()
    for key, field in action.get("fields", {}).items():
        inner = {key: field}
        if "fields" in field:
            sections.add(key)
            inner = field["fields"]
        for inner_key in sorted(inner.keys() & fields.keys()):
            yield f"services: {name}.{inner_key} is there twice"
        fields |= inner
    words = texts.get("services", {}).get(name, {})
    for key in sorted(fields.keys() ^ words.get("fields", {}).keys()):
        yield f"services: {name}.{key} is in one of services.yaml and strings.json only"
    for key in sorted(sections ^ words.get("sections", {}).keys()):
        yield f"services: the section {name}.{key} is in one of them only"
    for key, field in fields.items():
        where = f"services: {name}.{key}"
        if "filter" in field and "target" not in action:
            yield f"{where}: a filter needs a target"
        yield from _problems_of_field(where, field, texts)


def _problems_of_field(where: str, field: dict[str, Any], texts: Any) -> Iterator[str]:
    for key in sorted(field.keys() - _FIELD_KEYS):
        yield f"{where} has {key}"
    if "selector" not in field:
        yield f"{where} has no selector"
        return
    yield from _refused(field["selector"], where)
    for options in field["selector"].values():
        key = options.get("translation_key") if isinstance(options, dict) else None
        if key is not None and key not in texts.get("selector", {}):
            yield f"{where}: selector {key} has no words"


def translation_keys(folder: Path) -> Iterator[str]:
    """The program asks for words and icons that are there, and for all of them."""
    texts = _json(folder / "strings.json")
    for platform, entities in _json(folder / "icons.json").get("entity", {}).items():
        # an entity that is named after its device has no words, but an icon
        known = texts.setdefault("entity", {}).setdefault(platform, {})
        known.update({key: {} for key in entities if key not in known})
    modules = _modules(folder)
    constants = _constants(modules.values())
    for path, tree in modules.items():
        where = path.relative_to(folder).as_posix()
        for node in ast.walk(tree):
            for kind, key in _asked_for(node, path.stem, constants):
                if not any(key in section for section in _sections(texts, kind)):
                    yield f"{where}:{node.lineno}: {kind} {key} has no words"
            yield from _wrong_placeholders(node, texts, where, constants)
    said = _literals(modules.values())
    for kind in ("exceptions", "issues", "entity"):
        for section in _sections(texts, kind):
            for key in sorted(key for key in section if not said(key)):
                yield f"nobody asks for {kind} {key}"


def quality_scale(folder: Path) -> Iterator[str]:
    """quality_scale.yaml answers every rule, and an exemption says why."""
    found = yaml.safe_load((folder / "quality_scale.yaml").read_text()) or {}
    rules = found.get("rules", {})
    for rule in sorted(RULES - rules.keys()):
        yield f"quality_scale: {rule} is missing"
    for rule in sorted(rules.keys() - RULES):
        yield f"quality_scale: {rule} is no rule"
    for rule, answer in rules.items():
        status = answer.get("status") if isinstance(answer, dict) else answer
        if status not in {"done", "exempt"}:
            yield f"quality_scale: {rule} is neither done nor exempt"
        comment = answer.get("comment") if isinstance(answer, dict) else None
        if status == "exempt" and not str(comment or "").strip():
            yield f"quality_scale: {rule} is exempt without a reason"


def brand(folder: Path) -> Iterator[str]:
    """The pictures have the names and the sizes that Home Assistant shows."""
    if not (folder / "brand" / "icon.png").exists():
        yield "brand: icon.png is missing"
    for path in sorted((folder / "brand").glob("*")):
        match = re.fullmatch(r"(?:dark_)?(icon|logo)(@2x)?\.png", path.name)
        if not match:
            yield f"brand: {path.name} is no name of a picture"
            continue
        head = path.read_bytes()[:24]
        if head[:8] != b"\x89PNG\r\n\x1a\n":
            yield f"brand: {path.name} is no PNG"
            continue
        width, height = struct.unpack(">II", head[16:24])
        scale = 2 if match[2] else 1
        if match[1] == "icon" and (width, height) != (256 * scale, 256 * scale):
            yield f"brand: {path.name} is {width} x {height}"
        if match[1] == "logo" and not 128 * scale <= min(width, height) <= 256 * scale:
            yield f"brand: {path.name} is {width} x {height}"


def self_contained(folder: Path) -> Iterator[str]:
    """The folder needs nothing but Home Assistant: whoever copies it has all of it."""
    if _json(folder / "manifest.json").get("requirements"):
        yield "manifest: requirements: the folder brings its own"
    named = {
        *_json(folder / "manifest.json").get("dependencies", []),
        *_json(folder / "manifest.json").get("after_dependencies", []),
    }
    for path, tree in _modules(folder).items():
        for node in ast.walk(tree):
            for problem in _problems_of_import(node, path, folder, named):
                yield f"{path.relative_to(folder).as_posix()}:{node.lineno}: {problem}"


def _problems_of_import(node: ast.AST, path: Path, folder: Path, named: set[str]) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.level:
        if node.level > len(path.relative_to(folder).parts):
            yield "imports from above the folder"
        elif not _exists(path, node):
            yield "imports what is not there"
    for name in _absolute_imports(node):
        if name.split(".")[0] not in _LIBRARIES | sys.stdlib_module_names:
            yield f"imports {name}"
        component = re.match(r"homeassistant\.components\.(\w+)", name)
        if component and component[1] not in _COMPONENTS_FOR_ALL | named:
            yield f"{component[1]} is not in the manifest"


def files(folder: Path) -> Iterator[str]:
    """What tools look for is there, and every JSON file is one."""
    for name in (
        *("__init__.py", "manifest.json", "strings.json", "translations/en.json", "icons.json"),
        *("quality_scale.yaml", "services.yaml"),
    ):
        if not (folder / name).exists():
            yield f"{name} is missing"
    for path in sorted(folder.rglob("*.json")):
        try:
            _json(path)
        except ValueError as error:
            yield f"{path.relative_to(folder).as_posix()}: {error}"


def hacs(root: Path) -> Iterator[str]:
    """The repository is one that HACS takes; `root` is its folder."""
    found = _json(root / "hacs.json")
    for key in sorted(found.keys() - _HACS_KEYS):
        yield f"hacs.json: {key} is no key"
    if not isinstance(found.get("name"), str):
        yield "hacs.json: name is missing"
    if "homeassistant" in found and not re.fullmatch(
        r"20\d\d\.\d{1,2}\.\d+", str(found["homeassistant"])
    ):
        yield "hacs.json: homeassistant is no version of it"
    for name in ("README.md", "LICENSE"):
        if not (root / name).exists():
            yield f"{name} is missing"
    folders = [path.parent.name for path in root.glob("custom_components/*/manifest.json")]
    if len(folders) != 1:
        yield "HACS takes one integration from a repository"


OF_FOLDER = (
    files,
    manifest,
    strings,
    translations,
    icons,
    services,
    translation_keys,
    quality_scale,
    brand,
    self_contained,
)


def _json(path: Path) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"{', '.join(sorted(twice))} is there twice")
        return dict(pairs)

    return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)


def _services(folder: Path) -> dict[str, Any]:
    path = folder / "services.yaml"
    found = (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}
    return {key: value for key, value in found.items() if not key.startswith(".")}


def _texts(value: Any, key: str = "") -> dict[str, str]:
    """Return every text of a JSON value under its path."""
    if isinstance(value, dict):
        return {
            path: text
            for name, inner in value.items()
            for path, text in _texts(inner, f"{key}.{name}" if key else name).items()
        }
    return {key: value} if isinstance(value, str) else {key: json.dumps(value)}


def _placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def _problems_of_texts(found: Any, where: str) -> Iterator[str]:
    yield from _misshapen(found, _STRINGS, where)
    for key, text in _texts(found).items():
        for problem in _problems_of_text(key, text):
            yield f"{where}: {key}{problem}"
    for path, fields in _fields(found):
        for name in sorted(fields.get("data_description", {}).keys() - fields.get("data", {})):
            yield f"{where}: {path}: {name} is described, but not in data"
    for name, issue in found.get("issues", {}).items():
        if ("description" in issue) == ("fix_flow" in issue):
            yield f"{where}: issue {name} has either a description or a fix_flow"


def _problems_of_text(key: str, text: str) -> Iterator[str]:
    for name in key.split("."):
        if not _KEY.fullmatch(name):
            yield f": {name} is no good key"
    for pattern, problem in _UNWANTED:
        if re.search(pattern, text):
            yield f" {problem}"
    if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
        yield " has a brace that belongs to no placeholder"


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every form of a strings.json: what has data or a description of data."""
    if isinstance(value, dict):
        if isinstance(value.get("data"), dict) or isinstance(value.get("data_description"), dict):
            yield path, value
        for name, inner in value.items():
            yield from _fields(inner, f"{path}.{name}" if path else name)


def _misshapen(value: Any, shape: Any, where: str) -> Iterator[str]:
    if shape is ANY:
        return
    if shape is str:
        if not isinstance(value, str):
            yield f"{where} is no text"
        return
    if not isinstance(value, dict):
        yield f"{where} is a text, not a group"
        return
    for key, inner in value.items():
        expected = shape.get(key, shape.get(f"!{key}", shape.get("*")))
        if expected is None:
            yield f"{where}: {key} is not expected here"
        else:
            yield from _misshapen(inner, expected, f"{where}.{key}")
    for key in shape:
        if key[0] == "!" and key[1:] not in value:
            yield f"{where}: {key[1:]} is missing"


def _refused(config: Any, where: str) -> Iterator[str]:
    try:
        selector.validate_selector(config)
    except Exception as error:  # noqa: BLE001  # whatever it says, it is a refusal
        yield f"{where}: {error}"


def _modules(folder: Path) -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted(folder.rglob("*.py"))}


def _constants(trees: Iterable[ast.Module]) -> dict[str, str]:
    """Return the module-level names that stand for one text each."""
    found: dict[str, str] = {}
    for tree in trees:
        for node in tree.body:
            if not isinstance(node, (ast.Assign, ast.AnnAssign)):
                continue
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            value = node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[ast.unparse(target)] = value.value
    return found


def _text_of(node: ast.expr | None, constants: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return constants.get(node.id) if isinstance(node, ast.Name) else None


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rsplit(".", 1)[-1]


def _keywords(node: ast.Call) -> dict[str, ast.expr]:
    return {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}


def _kind_of_call(name: str, module: str) -> str:
    """Return the part of strings.json that a call with a translation_key is about."""
    if re.search(r"(Error|Exception|Failed|NotReady)$", name):
        return "exceptions"
    if name.endswith("create_issue"):
        return "issues"
    if "Selector" in name:
        return "selector"
    if name in {"DeviceInfo", "async_get_or_create"}:
        return "device"
    return f"entity.{module}" if module in set(Platform) else "any"


def _is_foreign(node: ast.Call, keywords: Mapping[str, ast.expr]) -> bool:
    """Return whether the words are those of another integration."""
    domain = keywords.get("translation_domain")
    if _called(node).endswith("create_issue") and len(node.args) > 1:
        domain = node.args[1]
    return domain is not None and ast.unparse(domain) != "DOMAIN"


def _asked_for(
    node: ast.AST, module: str, constants: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the keys that one node of the program asks for, each with its part of strings.json."""
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        key = _text_of(node.value, constants)
        if key and any(ast.unparse(one).endswith("_attr_translation_key") for one in targets):
            yield f"entity.{module}" if module in set(Platform) else "entity", key
    if not isinstance(node, ast.Call):
        return
    keywords = _keywords(node)
    if _is_foreign(node, keywords):
        return
    for name, kind in (
        ("translation_key", _kind_of_call(_called(node), module)),
        ("step_id", "step"),
        ("reason", "abort"),
    ):
        if name in {"step_id", "reason"} and not _called(node).startswith("async_"):
            continue
        if key := _text_of(keywords.get(name), constants):
            yield kind, key


def _wrong_placeholders(
    node: ast.AST, texts: Any, where: str, constants: Mapping[str, str]
) -> Iterator[str]:
    """Yield where an exception or an issue gives other values than its text asks for."""
    if not isinstance(node, ast.Call):
        return
    keywords = _keywords(node)
    kind = _kind_of_call(_called(node), "")
    key = _text_of(keywords.get("translation_key"), constants)
    given = keywords.get("translation_placeholders", ast.Dict(keys=[], values=[]))
    if kind not in {"exceptions", "issues"} or key is None or not isinstance(given, ast.Dict):
        return
    if _is_foreign(node, keywords):
        return
    if any(not isinstance(one, ast.Constant) for one in given.keys):
        return
    names = {one.value for one in given.keys if isinstance(one, ast.Constant)}
    words = texts.get(kind, {}).get(key)
    if words and names != set().union(*map(_placeholders, _texts(words).values())):
        yield f"{where}:{node.lineno}: {kind} {key} is given other placeholders than it has"


def _sections(texts: Any, kind: str) -> list[dict[str, Any]]:
    """Return the groups of strings.json in which a key of this kind may stand."""
    flows = [
        *(texts.get(name, {}) for name in ("config", "options")),
        *texts.get("config_subentries", {}).values(),
        *(issue.get("fix_flow", {}) for issue in texts.get("issues", {}).values()),
    ]
    if kind in {"step", "abort"}:
        return [flow.get(kind, {}) for flow in flows]
    if kind.startswith("entity."):
        return [texts.get("entity", {}).get(kind.removeprefix("entity."), {})]
    entities = list(texts.get("entity", {}).values())
    if kind == "entity":
        return entities
    if kind == "any":
        plain = ("exceptions", "issues", "selector", "device")
        return [*(texts.get(name, {}) for name in plain), *entities]
    return [texts.get(kind, {})]


def _literals(trees: Iterable[ast.Module]) -> Callable[[str], bool]:
    """Return whether the program has a text in it, or one that an f-string may become."""
    said: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said.add(node.value)
            elif isinstance(node, ast.JoinedStr) and len(node.values) > 1:
                parts = [
                    re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+"
                    for part in node.values
                ]
                if any(isinstance(part, ast.Constant) for part in node.values):
                    patterns.append(re.compile("".join(parts)))
    return lambda text: text in said or any(one.fullmatch(text) for one in patterns)


def _absolute_imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        if node.module == "homeassistant.components":
            return [f"{node.module}.{alias.name}" for alias in node.names]
        return [node.module]
    return []


def _exists(path: Path, node: ast.ImportFrom) -> bool:
    """Return whether the module of a relative import is a file."""
    base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
    return base.is_dir() or base.with_suffix(".py").exists()


def _components() -> Path:
    return Path(homeassistant.components.__path__[0])


@cache
def _known_icons() -> frozenset[str]:
    path = Path(hass_frontend.__file__).parent / "static" / "mdi" / "iconList.json"
    return frozenset(icon["name"] for icon in json.loads(path.read_text()))
