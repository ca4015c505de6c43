"""Bench of the splitter: all lanes come out, in order, and those of one beat in one plane each."""

from __future__ import annotations

import random
from itertools import groupby
from typing import Any

import cocotb

from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.coverage import collected
from amper_verif.harness.simulation import bench_parameters, leave_report

Group = tuple[int, int | None]  # lanes, plane; no plane where it does not matter


def groups_of(lanes: int, planes: list[int], *, whole: bool) -> list[Group]:
    """What must come of a beat."""
    held = [lane for lane in range(len(planes)) if lanes >> lane & 1]
    if whole or not held:
        return [(lanes, None)]
    runs = [(plane, list(run)) for plane, run in groupby(held, key=lambda lane: planes[lane])]
    return [(sum(1 << lane for lane in run), plane) for plane, run in runs]


@cocotb.test()
async def against_groups(dut: Any) -> None:
    parameters = bench_parameters()
    chance = random.Random(parameters["seed"])
    count, width = parameters["lanes"], parameters["plane_width"]
    beats_come, room_comes = Gaps(chance), Gaps(chance)
    device = Device(dut, deadline=parameters["cycles"] + 1)
    device.drive(valid=0, lanes=0, planes=0, whole=0, room=0)
    await device.start()
    groups: list[Group] = []
    compared = most = 0
    for cycle in range(parameters["cycles"]):
        if not groups and beats_come():
            lanes, whole = chance.choice(((1 << count) - 1, chance.getrandbits(count))), chance.random() < 0.2
            few = chance.choice((1, 2, 1 << width))
            planes = [chance.randrange(few) for _ in range(count)]
            groups = groups_of(lanes, planes, whole=whole)
            most = max(most, len(groups))
            packed = sum(plane << lane * width for lane, plane in enumerate(planes))
            device.drive(lanes=lanes, planes=packed, whole=int(whole))
        room = room_comes()
        device.drive(valid=int(bool(groups)), room=int(room))
        await device.settle()
        assert device.read("sent") == int(bool(groups) and room), f"sent in cycle {cycle}"
        assert device.read("taken") == int(len(groups) == 1 and room), f"taken in cycle {cycle}"
        if groups:
            got = device.read("group"), None if groups[0][1] is None else device.read("plane")
            assert got == groups[0], f"cycle {cycle}: expected {groups[0]}, got {got}"
            assert device.read("last") == int(len(groups) == 1)
            compared += 1
            groups = groups[1:] if room else groups
        await device.tick()
        if chance.random() < 0.002:
            await device.reset()
            groups = []
    assert most == count, "no beat had all its lanes in different planes"
    leave_report({"compared": compared, "coverage": collected()})
