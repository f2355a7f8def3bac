"""Checks of retrievers."""

from treewright.testing.outcomes import Broken, Check
from treewright.testing.subjects import ComponentSubject


def check_at_most_k_hits(subject: ComponentSubject) -> None:
    """Rule: a request for k records gets at most k.

    Repair: cut the list of hits to request.k.
    """
    for request, hits in zip(subject.requests, subject.ask(subject.requests), strict=False):
        if len(hits) > request.k:
            raise Broken(f"{request.k} hits were asked for, {len(hits)} came")


def check_best_hit_first(subject: ComponentSubject) -> None:
    """Rule: hits are sorted by similarity, best first.

    Repair: sort with  key=lambda hit: -hit.similarity.
    """
    for hits in subject.ask(subject.requests):
        similarities = [hit.similarity for hit in hits]
        if similarities != sorted(similarities, reverse=True):
            raise Broken(f"similarities come as {similarities}")


def check_hits_have_ids(subject: ComponentSubject) -> None:
    """Rule: every hit names its record by an id, and no record comes twice.

    Repair: set Hit.id to the record's identifier and drop repeated records.
    """
    for hits in subject.ask(subject.requests):
        ids = [hit.id for hit in hits]
        if not all(ids) or len(set(ids)) != len(ids):
            raise Broken(f"the ids are {ids}")


CHECKS: tuple[Check, ...] = (check_at_most_k_hits, check_best_hit_first, check_hits_have_ids)
