"""Process and outcome reward models of many vendors, read by one machine.

A recipe (``recipe.Recipe``) says in data how a vendor's checkpoint is read: how problem and steps become tokens,
at which tokens the network is read, by which head, and what becomes of the head's numbers. The rooms:

    recipe            what a recipe is
    catalogue         all of them, by name; guessing tells which one a folder wants
    qwen_math_prm, math_shepherd, rlhflow, skywork, reasonflux, metastone_sprm, implicit_prm, reasoneval,
    separator_classifiers                 the recipes, a room for each family
    vocabulary        a tokenizer as recipes see it, and the check of vendors' token ids
    checkpoint        weights from a folder: safetensors only, nothing missing, nothing left over
    heads             the small networks on top
    measures          from a head's numbers to scores
    one_pass          many answers, one forward pass for all their steps
    aggregation       one number out of the steps' numbers
    reader            a model with its recipe, for scripts; scorer: the same as the component ``math/prm``

Judges that write their verdict are in ``generative_readers``.

No vendor's code is run. The layouts follow what the vendors publish (named in each room).
"""
