"""Do policies tell log-probabilities of the law that the search samples from?"""

from treewright.configuration.complaints import Complaints
from treewright.configuration.document import Document, path_of
from treewright.configuration.nodes import Place
from treewright.pipeline import ComponentSpec, needs_of
from treewright_registry import Capability, Sampling

_OF_A_LAW = frozenset({Capability.LOG_PROBABILITY, Capability.LOG_LIKELIHOOD})


def check_laws(document: Document, complaints: Complaints) -> None:
    """Complain of each policy that would tell the search log-probabilities of another law than it samples from.

    Policies that can say so have a static method ``check_law(options, capabilities, sampling)``. The search must be
    good already: it is built, to see how it samples.
    """
    search = document.search
    if search is None:
        return
    for own, need in needs_of(document.reader.classes["search"], search.options).items():
        role = search.roles.get(own, own)
        policy = document.roles.get(role)
        if policy is None or need.kind != "policy":
            continue
        check = getattr(document.reader.classes[path_of("policy", role)], "check_law", None)
        if check is None:
            continue
        try:
            check(policy.options, need.capabilities & _OF_A_LAW, _sampling(search))
        except ValueError as error:
            law = f"the law that search '{search.name}' samples from"
            complaints.add(
                _place(document), f"{policy.name} in role '{role}' cannot tell probabilities of {law}: {error}"
            )


def _sampling(search: ComponentSpec) -> Sampling:
    """How the search samples: its attribute of that name, where it has one, holds what its modes set."""
    built = getattr(search.build(), "sampling", None)
    if isinstance(built, Sampling):
        return built
    return Sampling(temperature=search.options.get("temperature"), top_p=search.options.get("top_p"))


def _place(document: Document) -> Place:
    set_here = document.reader.nodes["search"].get("temperature")
    return document.reader.places["search"] if set_here is None else set_here.place
