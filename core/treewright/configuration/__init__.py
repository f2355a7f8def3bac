"""Pipelines as YAML: reading with places, completing, checking. Nothing that loads data or models is built here."""

from treewright.configuration.differences import differences, settings
from treewright.configuration.filling import component_text
from treewright.configuration.loading import LoadedPipeline, load_component, load_pipeline
from treewright.configuration.overrides import Override, text_setting
from treewright.configuration.schema import pipeline_schema

__all__ = [
    "LoadedPipeline",
    "Override",
    "component_text",
    "differences",
    "load_component",
    "load_pipeline",
    "pipeline_schema",
    "settings",
    "text_setting",
]
