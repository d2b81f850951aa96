"""The counters within one process: for the embedded installation. They begin anew with the process."""

import asyncio
import threading
from bisect import bisect_right, insort
from operator import itemgetter

from security.limits.budget import (
    Balance,
    Hold,
    Spend,
    affordable,
    lapsed,
    with_hold,
    with_spent,
    without_hold,
)
from security.limits.commands import SETTLED_KEEP_MS, Acquire, Admit, Command, GiveBack, Reserve, Settle
from security.limits.table import Hit

# How many commands pass between two looks for what is over.
_SWEEP_EVERY = 1024


class SlidingWindow:
    """What was counted within the last ``window_ms``: each unit with its time, the oldest first."""

    __slots__ = ("_counted", "_units", "window_ms")

    def __init__(self, *, window_ms: int) -> None:
        self.window_ms = window_ms
        self._units: list[tuple[int, str]] = []
        self._counted: set[str] = set()

    def __len__(self) -> int:
        return len(self._units)

    def __contains__(self, operation_id: str) -> bool:
        return operation_id in self._counted

    def forget_until(self, at_ms: int) -> None:
        gone = bisect_right(self._units, at_ms, key=itemgetter(0))
        self._counted.difference_update(operation_id for _, operation_id in self._units[:gone])
        del self._units[:gone]

    def wait_ms(self, *, amount: int, allowed: int, ahead: int, now_ms: int) -> int:
        """Return the time until ``amount`` more fit behind those ahead, 0 where they do, the whole window if never."""
        surplus = len(self._units) + amount - allowed
        if surplus <= 0:
            return 0
        leaving = surplus + ahead
        return self.free_in_ms(leaving, now_ms=now_ms) if leaving <= len(self._units) else self.window_ms

    def free_in_ms(self, units: int, *, now_ms: int) -> int:
        """Return the time until so many of the units that there are have left."""
        return self._units[units - 1][0] + self.window_ms - now_ms

    def count(self, operation_id: str, *, amount: int, now_ms: int) -> None:
        self._counted.add(operation_id)
        for _ in range(amount):
            insort(self._units, (now_ms, operation_id), key=itemgetter(0))

    def give_back(self, operation_id: str) -> None:
        self._counted.remove(operation_id)
        self._units = [unit for unit in self._units if unit[1] != operation_id]


class MemoryStore:
    """Count for all threads of this process; each command is carried out alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: dict[str, SlidingWindow] = {}
        self._balances: dict[str, tuple[Balance, int]] = {}
        self._settled: dict[tuple[str, str], int] = {}
        self._commands = 0

    def run(self, command: Command) -> list[int]:
        with self._lock:
            match command:
                case Acquire():
                    self._sweep(command.now_ms)
                    return self._acquire(command)
                case Admit():
                    self._sweep(command.now_ms)
                    return self._acquire(command)[:1]
                case GiveBack():
                    return self._give_back(command)
                case Reserve():
                    self._sweep(command.now_ms)
                    return self._reserve(command)
                case Settle():
                    return self._settle(command)

    def ping(self) -> None:
        """Return: what is within the process cannot be out of reach."""

    def _acquire(self, command: Acquire | Admit) -> list[int]:
        now_ms = command.now_ms
        windows, waits = [], []
        uncounted: list[tuple[SlidingWindow, str, int]] = []
        planned: dict[SlidingWindow, int] = {}
        for hit in command.hits:
            window, operation_id = self._window(hit, now_ms=now_ms), hit.operation_id or command.operation_id
            windows.append(window)
            if operation_id in window:
                waits.append(0)
                continue
            uncounted.append((window, operation_id, hit.amount))
            planned[window] = amount = planned.get(window, 0) + hit.amount
            waits.append(window.wait_ms(amount=amount, allowed=hit.quota.allowed, ahead=hit.ahead, now_ms=now_ms))
        admitted = not any(waits)
        if admitted:
            for window, operation_id, amount in uncounted:
                window.count(operation_id, amount=amount, now_ms=now_ms)
        reply = [int(admitted)]
        for window, wait in zip(windows, waits, strict=True):
            reply += [len(window), window.free_in_ms(1, now_ms=now_ms) if len(window) else 0, wait]
        return reply

    def _window(self, hit: Hit, *, now_ms: int) -> SlidingWindow:
        window_ms = hit.quota.window_seconds * 1000
        window = self._windows.setdefault(hit.scope.key, SlidingWindow(window_ms=window_ms))
        window.window_ms = window_ms
        window.forget_until(now_ms - window_ms)
        return window

    def _give_back(self, command: GiveBack) -> list[int]:
        windows = [self._windows.get(scope.key) for scope in command.scopes]
        found = [window for window in windows if window is not None and command.operation_id in window]
        for window in found:
            window.give_back(command.operation_id)
        return [len(found)]

    def _reserve(self, command: Reserve) -> list[int]:
        customer_id = command.lines[0].account.customer_id
        settled = (customer_id, command.reservation_id) in self._settled
        for number, line in enumerate(command.lines, 1):
            if line.recorded is None and line.account.key not in self._balances:
                return [-number]
        balances = [
            lapsed(self._balance(line.account.key, Balance(spent=line.recorded or Spend())), now_ms=command.now_ms)
            for line in command.lines
        ]
        refusing = 0 if settled else _refusing(command, balances)
        if not refusing and not settled:
            hold = Hold(spend=command.estimate, expires_ms=command.expires_ms)
            balances = [with_hold(balance, reservation_id=command.reservation_id, hold=hold) for balance in balances]
        reply = [refusing]
        for line, balance in zip(command.lines, balances, strict=True):
            self._balances[line.account.key] = balance, command.now_ms + line.account.keep_ms
            spent, held = balance.spent, balance.held
            reply += [spent.tokens, spent.micro_usd, held.tokens, held.micro_usd]
        return reply

    def _settle(self, command: Settle) -> list[int]:
        marker = command.accounts[0].customer_id, command.reservation_id
        actual = None if marker in self._settled else command.actual
        for account in command.accounts:
            if account.key in self._balances:
                balance, expires_ms = self._balances[account.key]
                balance = without_hold(balance, reservation_id=command.reservation_id)
                if actual is not None:
                    balance, expires_ms = with_spent(balance, actual), command.now_ms + account.keep_ms
                self._balances[account.key] = balance, expires_ms
        if actual is None:
            return [0]
        self._settled[marker] = command.now_ms + SETTLED_KEEP_MS
        return [1]

    def _balance(self, key: str, beginning: Balance) -> Balance:
        return self._balances[key][0] if key in self._balances else beginning

    def _sweep(self, now_ms: int) -> None:
        """Drop from time to time what is over, so that counters of what is gone do not stay for ever."""
        self._commands += 1
        if self._commands % _SWEEP_EVERY:
            return
        for key, window in list(self._windows.items()):
            window.forget_until(now_ms - window.window_ms)
            if not len(window):
                del self._windows[key]
        self._balances = {key: kept for key, kept in self._balances.items() if kept[1] > now_ms}
        self._settled = {key: until for key, until in self._settled.items() if until > now_ms}


class AsyncMemoryStore:
    """Offer a MemoryStore to an event loop; nothing in it waits for longer than a command takes."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def run(self, command: Command) -> asyncio.Future[list[int]]:
        answer: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        answer.set_result(self._store.run(command))
        return answer

    async def aclose(self) -> None:
        """Return: there is nothing to close."""

    async def ping(self) -> None:
        """Return: what is within the process cannot be out of reach."""


def _refusing(command: Reserve, balances: list[Balance]) -> int:
    """Return the number of the first line, from 1, whose account cannot cover the estimate; 0 where all can."""
    for number, (line, balance) in enumerate(zip(command.lines, balances, strict=True), 1):
        covered = affordable(
            balance, reservation_id=command.reservation_id, estimate=command.estimate, allowance=line.allowance
        )
        if not covered:
            return number
    return 0
