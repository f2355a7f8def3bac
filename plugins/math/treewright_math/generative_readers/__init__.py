"""Reward models that write a review before they judge: GenPRM and ThinkPRM, by any language policy.

review_format     what such a model's format is, as data
genprm, thinkprm  the two formats
verdict           from likelihoods, or from what was written, to a probability
reviewing         asks the critic for reviews and verdicts, through the engine
scorer            the component ``math/generative-prm``
"""
