"""Pipelines as YAML: reading with places, completing, checking. Nothing here builds a component."""

from treewright.configuration.filling import component_text
from treewright.configuration.loading import LoadedPipeline, load_component, load_pipeline
from treewright.configuration.overrides import Override, text_setting
from treewright.configuration.schema import pipeline_schema

__all__ = [
    "LoadedPipeline",
    "Override",
    "component_text",
    "load_component",
    "load_pipeline",
    "pipeline_schema",
    "text_setting",
]
