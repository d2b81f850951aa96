"""The delegation loop: one asyncio loop per worker process, hundreds of hops in flight, the database as the truth."""

from delegation.loop.engine import Engine, EngineOptions

__all__ = ["Engine", "EngineOptions"]
