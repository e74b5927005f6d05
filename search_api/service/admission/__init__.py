"""Admission control: what routes cost, who asks, fair turns, deadlines and rate limits."""

from __future__ import annotations

from search_api.service.admission.bodies import BodyBudget
from search_api.service.admission.costs import CostClass, CostTable, Lane
from search_api.service.admission.door import Door, DoorLimits
from search_api.service.admission.fair_queue import FairQueue
from search_api.service.admission.rate_limits import RateLimiter, address_group
from search_api.service.admission.shared_answers import SharedAnswer
from search_api.service.admission.visits import Visit, begin_visit, current_visit
from search_api.service.admission.worker_threads import WorkerThreads

__all__ = [
    "BodyBudget",
    "CostClass",
    "CostTable",
    "Door",
    "DoorLimits",
    "FairQueue",
    "Lane",
    "RateLimiter",
    "SharedAnswer",
    "Visit",
    "WorkerThreads",
    "address_group",
    "begin_visit",
    "current_visit",
]
