"""The state that a lock guards, as far as a file tells: what changes after construction, and what else names it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.effects import Effects, Methods, assigned, meet, mutated, owner
from lockcheck.fixes.names import dotted
from lockcheck.fixes.nodes import children
from lockcheck.fixes.tree import Tree

_MAKING = frozenset({"__init__", "__new__", "__post_init__"})
_COLLECTIONS = frozenset({"list", "dict", "set", "deque", "defaultdict", "OrderedDict", "Counter", "bytearray"})
_DISPLAYS = (cst.List, cst.Dict, cst.Set, cst.ListComp, cst.DictComp, cst.SetComp)
_LAZY = frozenset({"enumerate", "filter", "iter", "map", "reversed", "zip"})
_VIEWS = frozenset({"items", "keys", "values"})


@dataclass(frozen=True, slots=True)
class State:
    """Of the class around a region its methods, and the state that is assigned, or changed inside, after construction.

    Places are attributes of `self` and variables of the module or of a function around. `deep` are those whose elements
    are changed in place, `collections` those that are made as a collection of the standard library and as nothing else.
    `variables` are the names that several functions share, `others` the attributes that are assigned of other objects.
    """

    methods: Methods
    changing: frozenset[str]
    mutated: frozenset[str]
    deep: frozenset[str]
    collections: frozenset[str]
    variables: frozenset[str]
    others: frozenset[str]

    def shared(self, places: Iterable[str]) -> frozenset[str]:
        """Of some places those that other threads see."""
        return frozenset(place for place in places if place.partition(".")[0] in self.variables | {"self"})

    def attributes(self, places: Iterable[str]) -> frozenset[str]:
        """Of some places the attributes of `self` themselves."""
        return frozenset(place for place in places if place.startswith("self.") and place.count(".") == 1)


def makes(function: cst.FunctionDef) -> bool:
    """Whether a method makes its object, which nobody else knows while it runs."""
    return function.name.value in _MAKING


def state(tree: Tree, node: cst.CSTNode) -> State:
    """What is known of the class and the module around a node."""
    functions = tree.once(_functions)
    variables = tree.once(_variables)
    around = next((each for each in tree.around(node) if isinstance(each, cst.ClassDef)), None)
    body = around.body.body if around is not None else ()
    methods = {each.name.value: each for each in body if isinstance(each, cst.FunctionDef)}
    above, below = _relatives(tree, around)
    relatives = [each for kin in (*above, *below) for each in tree.inside(kin)]
    later = [each for each in _methods([*([around] if around is not None else []), *above, *below]) if not makes(each)]
    inside = [each for method in later for each in tree.inside(method)]
    own = [*tree.inside(around)] if around is not None else []
    makers: dict[str, list[bool]] = {}
    for each in own:
        for place, made in _made(each):
            makers.setdefault(place, []).append(made)
    contents = {found for each in inside if (found := mutated(each)) is not None}
    changing = {found for each in inside for found in assigned(each)}
    deep = {found for each in inside if (found := _deep(each)) is not None}
    attributes = {found for each in (*own, *relatives) for found in assigned(each)}
    others = tree.once(_others)
    changing |= {f"self.{word}" for word in others} & attributes
    free = {each.name.value: each for each in functions if not isinstance(_owner(tree, each), cst.ClassDef)}
    known = Methods(methods, attributes, free, variables, _methods(below))
    plain = State(known, frozenset(), frozenset(), frozenset(), frozenset(), variables, others)
    own_contents = plain.attributes(contents | deep)
    return State(
        known,
        plain.attributes(changing - contents),
        own_contents,
        plain.attributes(deep),
        frozenset(place for place, made in makers.items() if all(made)),
        variables,
        others,
    )


def _functions(tree: Tree) -> list[cst.FunctionDef]:
    return [each for each in tree.inside(tree.module) if isinstance(each, cst.FunctionDef)]


def _classes(tree: Tree) -> list[cst.ClassDef]:
    return [each for each in tree.inside(tree.module) if isinstance(each, cst.ClassDef)]


def _methods(classes: Iterable[cst.ClassDef]) -> list[cst.FunctionDef]:
    return [each for kind in classes for each in kind.body.body if isinstance(each, cst.FunctionDef)]


def _owner(tree: Tree, function: cst.FunctionDef) -> cst.CSTNode | None:
    """What a function is defined in: the class, for a method."""
    return next((each for each in tree.around(function) if isinstance(each, cst.ClassDef | cst.FunctionDef)), None)


def _relatives(tree: Tree, around: cst.ClassDef | None) -> tuple[list[cst.ClassDef], list[cst.ClassDef]]:
    """The classes of the file that a class derives from, and those that derive from it."""
    kinds = tree.once(_classes) if around is not None else []
    above, below = ([around], [around]) if around is not None else ([], [])
    for kin in above:
        above += [each for each in kinds if each.name.value in _bases(kin) and each not in above]
    for kin in below:
        below += [each for each in kinds if kin.name.value in _bases(each) and each not in below]
    return above[1:], below[1:]


def _bases(kind: cst.ClassDef) -> set[str]:
    return {(dotted(each.value) or "").rpartition(".")[2] for each in kind.bases}


def _others(tree: Tree) -> frozenset[str]:
    """The attributes that functions assign of what is not their own object, or of what hangs on it."""
    found: set[str] = set()
    for function in tree.once(_functions):
        for each in tree.inside(function.body) if not makes(function) else ():
            match each:
                case (
                    cst.AssignTarget(target=cst.Attribute(value=value, attr=attr))
                    | cst.AugAssign(target=cst.Attribute(value=value, attr=attr))
                ):
                    if dotted(value) != "self":
                        found.add(attr.value)
                case _:
                    pass
    return frozenset(found)


def aliases(tree: Tree, node: cst.CSTNode, known: State, but: Collection[str]) -> Iterator[str]:
    """The names of the function around a node that stand for the contents of guarded state, or for an element of it.

    `but` are the places that get something else, so that their contents are free.
    """
    function = tree.function(node)
    if function is None:
        return
    guarded = (known.mutated | known.variables).difference(but)
    for each in tree.inside(function):
        match each:
            case cst.Assign(targets=targets, value=value):
                names = [target.target.value for target in targets if isinstance(target.target, cst.Name)]
            case cst.NamedExpr(target=cst.Name(value=name), value=value):
                names = [name]
            case cst.AnnAssign(target=cst.Name(value=name), value=cst.BaseExpression() as value):
                names = [name]
            case _:
                continue
        if any(place in guarded for place in _stands_for(value, known)) or _brings(value, known):
            yield from names


def _brings(value: cst.BaseExpression, known: State) -> bool:
    """Whether a value is the object itself, or something to be called that touches its guarded state.

    What another call is given is its own affair: what that comes to is another thing.
    """
    guarded = known.changing | known.mutated
    match value:
        case cst.Name(value="self"):
            return bool(guarded)
        case cst.Lambda():
            return meet(Effects([value], known.methods).reads, guarded)
        case cst.Attribute(value=cst.Name(value="self"), attr=cst.Name(value=name)) if not known.methods.is_property(
            name
        ):
            effects = known.methods.effects(name)
            return effects is not None and meet(effects.reads | effects.writes, guarded)
        case cst.Call(func=func, args=args) if (dotted(func) or "").rpartition(".")[2] == "partial":
            return any(_brings(arg.value, known) for arg in args)
        case cst.BooleanOperation(left=one, right=other) | cst.IfExp(body=one, orelse=other):
            return _brings(one, known) or _brings(other, known)
        case _:
            return False


def inherited(tree: Tree, node: cst.CSTNode, places: Iterable[str]) -> set[str]:
    """Of some places the attributes that the class around a node does not make itself: nobody knows who changes them."""
    around = next((each for each in tree.around(node) if isinstance(each, cst.ClassDef)), None)
    if around is None:
        return set()
    above, _ = _relatives(tree, around)
    own = {found for kin in (around, *above) for each in tree.inside(kin) for found in assigned(each)}
    own |= {f"self.{each.name.value}" for each in _methods([around, *above])}
    roots = {".".join(place.split(".")[:2]) for place in places if place.startswith("self.")}
    return {place for place in roots if place not in own and place.partition(".")[2] not in own}


def reaches_in(tree: Tree, user: cst.CSTNode, known: State) -> bool:
    """Whether a statement reads, of an object that it got out of shared state, an attribute that is assigned elsewhere."""
    names: set[str] = set()
    for each in tree.inside(tree.function(user) or user):
        match each:
            case cst.Assign(value=value) | cst.NamedExpr(value=value):
                pass
            case cst.AnnAssign(value=cst.BaseExpression() as value):
                pass
            case cst.For(iter=value) | cst.CompFor(iter=value):
                pass
            case _:
                continue
        if known.shared(Effects([value]).reads) or names & Effects([value]).reads:
            targets = [each.target] if isinstance(each, cst.CompFor) else []
            names |= {found.value for target in targets for found in tree.inside(target) if isinstance(found, cst.Name)}
            names |= {found for node in (each, *children(each)) for found in assigned(node) if "." not in found}
    return any(
        isinstance(each, cst.Attribute)
        and each.attr.value in known.others
        and dotted(each.value) != "self"
        and bool({(owner(each.value) or "").partition(".")[0]} & (names | {"self"}))
        for each in tree.inside(user)
    )


def calls_back(tree: Tree, node: cst.CSTNode) -> bool:
    """Whether the method around a node calls its object by another name than `self`."""
    for each in tree.around(node):
        if isinstance(each, cst.FunctionDef) and isinstance(tree.parent(tree.parent(each) or each), cst.ClassDef):
            first = [*each.params.posonly_params, *each.params.params][:1]
            static = any(dotted(decorator.decorator) == "staticmethod" for decorator in each.decorators)
            return not static and (not first or first[0].name.value != "self")
    return False


def _stands_for(value: cst.BaseExpression, known: State) -> Iterator[str]:
    """The places whose contents are seen through a value."""
    path = dotted(value)
    if path is not None:
        yield path
        return
    match value:
        case cst.GeneratorExp():
            yield from Effects([value]).reads
        case cst.BooleanOperation(left=left, right=right):
            yield from _stands_for(left, known)
            yield from _stands_for(right, known)
        case cst.IfExp(body=body, orelse=orelse):
            yield from _stands_for(body, known)
            yield from _stands_for(orelse, known)
        case cst.Call(func=cst.Name(value=name), args=args) if name in _LAZY:
            for arg in args:
                yield from _stands_for(arg.value, known)
        case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name(value=name))) if name in _VIEWS:
            yield from _stands_for(inner, known)
        case cst.Call(func=cst.Attribute(value=inner)) | cst.Subscript(value=inner):
            place = owner(inner)
            if place in known.deep and not _is_slice(value):
                yield place
        case _:
            pass


def _is_slice(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Subscript) and any(isinstance(each.slice, cst.Slice) for each in node.slice)


def _deep(node: cst.CSTNode) -> str | None:
    """The place of which a node changes an element in place."""
    match node:
        case cst.Call(func=cst.Attribute(value=cst.Subscript() | cst.Call() as inner)):
            found = mutated(node.with_changes(func=node.func.with_changes(value=cst.Name("_"))))
        case cst.AssignTarget(target=cst.Subscript(value=cst.Subscript() as inner)):
            found = "_"
        case _:
            return None
    if found is None:
        return None
    path = owner(inner)
    parts = path.split(".") if path is not None else []
    return ".".join(parts[:2]) if parts[:1] == ["self"] and len(parts) > 1 else None


def _made(node: cst.CSTNode) -> Iterator[tuple[str, bool]]:
    """The attributes that a node assigns as a whole, and whether it is by a collection of the standard library."""
    match node:
        case cst.Assign(targets=targets, value=value):
            for target in targets:
                yield from _elements(target.target, value)
        case cst.AnnAssign(target=target, annotation=annotation, value=value):
            path = dotted(target)
            if path is not None:
                yield path, _is_collection(value) or _is_typed(annotation.annotation)
        case cst.AugAssign() | cst.For() | cst.NamedExpr() | cst.AsName():
            yield from ((path, isinstance(node, cst.AugAssign)) for path in assigned(node))
        case _:
            pass


def _elements(target: cst.BaseExpression, value: cst.BaseExpression) -> Iterator[tuple[str, bool]]:
    match target, value:
        case (cst.Tuple(elements=some), cst.Tuple(elements=others)) if len(some) == len(others):
            for one, other in zip(some, others, strict=True):
                yield from _elements(one.value, other.value)
        case (cst.Tuple(elements=some), _):
            for one in some:
                path = dotted(one.value)
                if path is not None:
                    yield path, False
        case _:
            path = dotted(target)
            if path is not None:
                yield path, _is_collection(value)


def _is_collection(value: cst.CSTNode | None) -> bool:
    match value:
        case cst.Call(func=func):
            return (dotted(func) or "").rpartition(".")[2] in _COLLECTIONS
        case _:
            return isinstance(value, _DISPLAYS)


def _is_typed(annotation: cst.BaseExpression) -> bool:
    node = annotation.value if isinstance(annotation, cst.Subscript) else annotation
    return (dotted(node) or "").rpartition(".")[2].lower() in {name.lower() for name in _COLLECTIONS}


def _variables(tree: Tree) -> frozenset[str]:
    """The names that a function uses which are not its own, and which some function changes."""
    return frozenset(name for function in tree.once(_functions) for name in _changed(tree, function))


def _changed(tree: Tree, function: cst.FunctionDef) -> Iterator[str]:
    """Of the names that a function changes those that are not its own."""
    own = {param.name.value for param in tree.inside(function.params) if isinstance(param, cst.Param)}
    nodes = list(tree.inside(function.body))
    bound = {place for each in nodes for place in _bound(each)}
    declared: set[str] = set()
    for each in nodes:
        if isinstance(each, cst.Global | cst.Nonlocal):
            declared |= {item.name.value for item in each.names}
    yield from declared & bound
    changed = {place for each in nodes if (place := mutated(each)) is not None}
    changed |= {place for each in nodes for place in assigned(each) if "." in place}
    roots = {place.partition(".")[0] for place in changed} - {"self", "cls"}
    yield from roots - own - (bound - declared)


def _bound(node: cst.CSTNode) -> Iterator[str]:
    """The names that a node binds itself; an element of what a name stands for is not the name."""
    match node:
        case cst.AssignTarget(target=cst.Subscript()) | cst.AugAssign(target=cst.Subscript()):
            return
        case cst.Del(target=cst.Subscript()):
            return
        case cst.CompFor(target=target):
            yield from (each.value for each in target.children if isinstance(each, cst.Name))
            if isinstance(target, cst.Name):
                yield target.value
        case _:
            yield from (place for place in assigned(node) if "." not in place)
