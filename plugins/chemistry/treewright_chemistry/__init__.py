"""Structure elucidation from spectra: the chemistry domain of treewright.

Importing this package loads neither RDKit nor the shift tables; its modules do that when they are used.
"""

from treewright_registry import Collector, hookimpl

TREEWRIGHT_API = "1"


@hookimpl
def treewright_register(registry: Collector) -> None:
    """Declare the components and pipelines of the domain."""
    registry.policy(
        "assembly",
        "treewright_chemistry.assembly_policy:Assembly",
        summary="assembles and edits molecules of the formula, aimed at the atoms that fit worst",
    )
    registry.policy(
        "llm",
        "treewright_chemistry.llm_policy:LanguageModelPolicy",
        summary="a language model drafts, criticises and rewrites structures (K-MSE)",
    )
    registry.scorer(
        "spectrum-fit",
        "treewright_chemistry.spectrum_fit_scorer:SpectrumFitScorer",
        summary="how well a structure explains the spectra, from shift likelihoods and the encoder's cosine",
    )
    registry.scorer(
        "k-mse-scorer",
        "treewright_chemistry.k_mse_scorer:KMseScorer",
        summary="K-MSE's own reward: 100 times the cosine of molecule and spectrum",
    )
    registry.retriever(
        "substructures",
        "treewright_chemistry.substructure_retriever:SubstructureRetriever",
        summary="substructures whose shift windows the spectrum fills",
    )
    registry.retriever(
        "spectrum-encoder",
        "treewright_chemistry.encoder_retriever:EncoderRetriever",
        summary="substructures nearest to the spectrum by the encoder's cosine",
    )
    registry.knowledge_base(
        "substructures",
        "treewright_chemistry.knowledge_base:Substructures",
        summary="substructures of a list of molecules, found by spectrum; the molecules, found by substructure",
    )
    registry.codec("spectrum", "treewright_chemistry.spectrum_codec:SpectrumCodec", summary="a spectrum as JSON")
    registry.task(
        "molpuzzle", "treewright_chemistry.molpuzzle:MolPuzzle", summary="calculated 13C and 1H spectra (MolPuzzle)"
    )
    registry.task(
        "measured", "treewright_chemistry.measured_task:Measured", summary="held-out measured nmrshiftdb2 spectra"
    )
    registry.task("elucidate", "treewright_chemistry.elucidate:Elucidate", summary="spectra from a file of your own")
    registry.trainer(
        "shifts",
        "treewright_chemistry.shift_trainer:ShiftTrainer",
        summary="13C and 1H shift tables by EM, plausibility table, graph network",
    )
    registry.trainer(
        "scorer",
        "treewright_chemistry.encoder_trainer:EncoderTrainer",
        summary="molecule-spectrum dual encoder (K-MSE's scorer)",
    )
    for name, summary in PIPELINES.items():
        registry.pipeline(name, f"treewright_chemistry:pipelines/{name}.yaml", summary=summary)


PIPELINES = {
    "elucidate": "ranked structures for spectra from a file",
    "molpuzzle": "MolPuzzle, closed book, with the default search",
    "k-mse": "MolPuzzle with K-MSE's tree search",
    "k-mse-cosine": "MolPuzzle with K-MSE's tree search, guided and scored by the encoder's cosine alone",
    "k-mse-llm": "MolPuzzle with K-MSE's search and a language model: --set policy.model.base_url=URL",
    "best-of-n": "MolPuzzle with independent bursts, no tree and no islands",
    "measured": "measured nmrshiftdb2 spectra kept out of training",
    "demo": "well-known compounds from measured spectra",
}
