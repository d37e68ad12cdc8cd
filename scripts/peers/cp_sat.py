#!/usr/bin/env python3
"""Solves the problems that `cargo bench --bench peers -- write DIR` wrote, with OR-tools' CP-SAT (`pip install ortools`).

    python3 scripts/peers/cp_sat.py DIR [--time-limit 60] [NAME ..]

One worker thread, seed 1, linearization level 2 (the best of those tried). Each answer is written beside its problem as
NAME.cp_sat.json, with placement and order; what those are worth is for `cargo bench --bench peers -- evaluate DIR` to say.
No part of the project needs this script.

What the model says alike: a placement of every group with at most K counted changes of accelerator in each task; a group
occupies its accelerator for its entry (where it enters), its contended work and its exit (where it leaves), without gaps;
accelerators do one thing at a time; a task's groups follow each other. While two groups of different tasks work at once,
each loses `1 - rate` of that time, with `rate` from the same integer table that this project's evaluator uses.

What differs, so that its optimum and its bound are those of another, near problem:
* Starts are free: a group may wait although its accelerator and its input are ready. This project's class lets every start
  have a cause. The model's optimum can therefore be the lower one.
* Times are whole microseconds, every phase and the lost time rounded up: the model's makespan can be higher by some
  microseconds.
* A group's work may take longer than it needs (the lost time is a lower bound of its lengthening, not an equation).
* Losses of several co-runners add up, where the evaluator takes the rate of their summed demands. With two accelerators
  there is one co-runner at a time and both are the same; more than two are refused.
* Launches, releases and edges between tasks are refused: the problems written have none.

So compare the time to a proof of its own model, and the makespan of its placement and order under the evaluator.
"""

import argparse
import json
import sys
import time
from itertools import combinations
from pathlib import Path

try:
    import ortools
    from ortools.sat.python import cp_model
except ImportError:
    sys.exit("cp_sat.py: OR-tools isn't there: install it with `pip install ortools`")


def microseconds(nanoseconds):
    return -(-nanoseconds // 1000)


def refuse_what_is_not_modelled(problem):
    if len(problem["accelerators"]) != 2:
        sys.exit(f"{problem['name']}: this model takes two accelerators, not {len(problem['accelerators'])}")
    for task in problem["tasks"]:
        if any(task["launch_ns"]) or task["release_ns"] or task["after"]:
            sys.exit(f"{problem['name']}: this model has no launches, releases or edges, which `{task['name']}` has")
        if any(cost is None for group in task["groups"] for cost in group["costs"]):
            sys.exit(f"{problem['name']}: this model has groups that run everywhere, which `{task['name']}` has not")


class Group:
    """The variables of one group: placement, start and end of its occupation, start and end of its work."""

    def __init__(self, model, task, index, slot, costs, horizon):
        name = f"{task}_{index}"
        self.task, self.index, self.slot = task, index, slot
        self.work = [microseconds(cost["work_ns"]) for cost in costs]
        self.entry = [microseconds(cost["entry_ns"]) for cost in costs]
        self.exit = [microseconds(cost["exit_ns"]) for cost in costs]
        self.on = [model.new_bool_var(f"on_{name}_{machine}") for machine in range(len(costs))]
        self.start = model.new_int_var(0, horizon, f"start_{name}")
        self.entered = model.new_int_var(0, horizon, f"entered_{name}")
        self.worked = model.new_int_var(0, horizon, f"worked_{name}")
        self.end = model.new_int_var(0, horizon, f"end_{name}")
        self.lost = []
        model.add_exactly_one(self.on)

    def standalone(self):
        return sum(work * on for work, on in zip(self.work, self.on))


class Model:
    def __init__(self, problem):
        self.model = cp_model.CpModel()
        self.rates = problem["rates"]
        self.n_machines = len(problem["accelerators"])
        self.pays_io = problem["pays_network_io"]
        self.horizon = self.everything_on_one(problem)
        self.makespan = self.model.new_int_var(0, self.horizon, "makespan")
        self.tasks = self.groups(problem)
        self.all = [group for task in self.tasks for group in task]
        for task, given in zip(self.tasks, problem["tasks"]):
            self.add_chain(task, [group["tail"] for group in given["groups"]], problem["max_transitions"])
        for one, other in combinations(self.all, 2):
            if one.task != other.task:
                self.add_contention(one, other)
        for group in self.all:
            # Losses are in thousandths of a microsecond.
            length = 1000 * (group.worked - group.entered)
            self.model.add(length >= 1000 * group.standalone() + sum(group.lost))
        self.add_exclusivity()
        self.add_redundant_sums()
        self.model.minimize(self.makespan)

    def everything_on_one(self, problem):
        """A makespan that is always possible: all groups on one accelerator, without a co-runner."""

        def on(machine):
            io = sum(
                microseconds(task["groups"][0]["costs"][machine]["entry_ns"])
                + microseconds(task["groups"][-1]["costs"][machine]["exit_ns"])
                for task in problem["tasks"]
            )
            groups = [group for task in problem["tasks"] for group in task["groups"]]
            return io + sum(microseconds(group["costs"][machine]["work_ns"]) for group in groups)

        return min(on(machine) for machine in range(self.n_machines))

    def groups(self, problem):
        tasks, slot = [], 0
        for task_index, task in enumerate(problem["tasks"]):
            tasks.append([])
            for index, group in enumerate(task["groups"]):
                tasks[-1].append(Group(self.model, task_index, index, slot, group["costs"], self.horizon))
                slot += self.n_machines
        return tasks

    def add_chain(self, task, tails, limit):
        """Groups in order; entries and exits where the accelerator changes; at most `limit` counted changes."""
        changes = []
        for before, group, tail in zip([None, *task], task, tails):
            entry = self.paid(group, before, group.entry, "entry")
            self.model.add(group.entered == group.start + entry)
            if before is not None:
                self.model.add(group.start >= before.end)
                change = self.model.new_bool_var(f"change_{group.task}_{group.index}")
                for mine, its in zip(group.on, before.on):
                    self.model.add(change >= mine - its)
                if not tail:
                    changes.append(change)
        for group, after in zip(task, [*task[1:], None]):
            self.model.add(group.end == group.worked + self.paid(group, after, group.exit, "exit"))
        if limit is not None:
            self.model.add(sum(changes) <= limit)
        self.model.add(self.makespan >= task[-1].end)

    def paid(self, group, neighbour, costs, what):
        """The cost of `group` on its accelerator, where `neighbour` isn't there too."""
        terms = []
        for machine, cost in enumerate(costs):
            if neighbour is None:
                terms.append(cost * group.on[machine] if self.pays_io[machine] else 0)
            elif cost:
                pays = self.model.new_bool_var(f"{what}_{group.task}_{group.index}_{machine}")
                self.model.add(pays >= group.on[machine] - neighbour.on[machine])
                self.model.add_implication(pays, group.on[machine])
                terms.append(cost * pays)
        return sum(terms)

    def add_contention(self, one, other):
        """Both lose a share of the time for which they work at once on different accelerators."""
        model = self.model
        name = f"{one.task}_{one.index}_{other.task}_{other.index}"
        overlap = model.new_int_var(0, self.horizon, f"overlap_{name}")
        before, after, starts_first, ends_first = (
            model.new_bool_var(f"{what}_{name}") for what in ("before", "after", "starts_first", "ends_first")
        )
        model.add(one.end <= other.start).only_enforce_if(before)
        model.add(other.end <= one.start).only_enforce_if(after)
        for machine in range(self.n_machines):
            model.add_bool_or(before, after, ~one.on[machine], ~other.on[machine])
        model.add_implication(before, starts_first)
        model.add_implication(before, ends_first)
        model.add_implication(after, ~starts_first)
        model.add_implication(after, ~ends_first)
        model.add(one.entered <= other.entered).only_enforce_if(starts_first)
        model.add(one.entered >= other.entered).only_enforce_if(~starts_first)
        model.add(one.worked <= other.worked).only_enforce_if(ends_first)
        model.add(one.worked >= other.worked).only_enforce_if(~ends_first)
        model.add(overlap >= one.worked - other.entered).only_enforce_if(starts_first, ends_first)
        model.add(overlap >= other.worked - other.entered).only_enforce_if(starts_first, ~ends_first)
        model.add(overlap >= one.worked - one.entered).only_enforce_if(~starts_first, ends_first)
        model.add(overlap >= other.worked - one.entered).only_enforce_if(~starts_first, ~ends_first)
        for group, beside in ((one, other), (other, one)):
            loss = {
                (mine, its): 1000 - self.rates[group.slot + mine][beside.slot + its]
                for mine in range(self.n_machines)
                for its in range(self.n_machines)
                if mine != its
            }
            if not any(loss.values()):
                continue
            lost = model.new_int_var(0, 1000 * self.horizon, f"lost_{name}_{group.task}")
            for (mine, its), permille in loss.items():
                model.add(lost >= permille * overlap).only_enforce_if(group.on[mine], beside.on[its])
            group.lost.append(lost)

    def add_exclusivity(self):
        for machine in range(self.n_machines):
            intervals = []
            for group in self.all:
                size = self.model.new_int_var(0, self.horizon, "")
                name = f"on_{group.task}_{group.index}_{machine}"
                interval = self.model.new_optional_interval_var(group.start, size, group.end, group.on[machine], name)
                intervals.append(interval)
            self.model.add_no_overlap(intervals)

    def add_redundant_sums(self):
        """What every schedule satisfies and the search would find late: each accelerator's load, each task's length."""
        for machine in range(self.n_machines):
            self.model.add(sum(group.work[machine] * group.on[machine] for group in self.all) <= self.makespan)
        for task in self.tasks:
            self.model.add(sum(group.standalone() for group in task) <= self.makespan)


def answer(model, solver, status, seconds, cpu_seconds):
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    result = {
        "status": solver.status_name(status),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "ortools": ortools.__version__,
        "value_us": solver.objective_value if found else None,
        "bound_us": solver.best_objective_bound,
        "placement": None,
        "order": None,
    }
    if found:
        machine = {id(group): [solver.value(on) for on in group.on].index(1) for group in model.all}
        result["placement"] = [[machine[id(group)] for group in task] for task in model.tasks]
        in_order = sorted(model.all, key=lambda group: (solver.value(group.start), group.task, group.index))
        result["order"] = [
            [[group.task, group.index] for group in in_order if machine[id(group)] == on]
            for on in range(model.n_machines)
        ]
    return result


def solve(path, time_limit):
    problem = json.loads(path.read_text())
    refuse_what_is_not_modelled(problem)
    started, cpu_started = time.monotonic(), time.process_time()
    model = Model(problem)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    # With the usual level, 1, the bound hardly rises: a proof of 2 x 4 groups takes more than ten times the work.
    solver.parameters.linearization_level = 2
    solver.parameters.max_time_in_seconds = time_limit
    status = solver.solve(model.model)
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu_started
    result = answer(model, solver, status, seconds, cpu_seconds)
    path.with_suffix(".cp_sat.json").write_text(json.dumps(result) + "\n")
    value = "no schedule" if result["value_us"] is None else f"{result['value_us'] / 1e3:.3f} ms"
    bound = result["bound_us"] / 1e3
    times = f"{seconds:.2f} s, of which {cpu_seconds:.2f} s on the processor"
    print(f"{problem['name']}: {result['status']}, {value}, bound {bound:.3f} ms, {times}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Solve the benchmark's problems with OR-tools' CP-SAT.")
    parser.add_argument("folder", type=Path, help="where `cargo bench --bench peers -- write` wrote them")
    parser.add_argument("names", nargs="*", help="only these, as in `2x10-K1`")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for each problem (default 60)")
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.glob("*.json") if not path.name.endswith(".cp_sat.json"))
    paths = [path for path in paths if not arguments.names or path.stem in arguments.names]
    if not paths:
        sys.exit(f"cp_sat.py: no problem in {arguments.folder}: write them with `cargo bench --bench peers -- write`")
    for path in paths:
        solve(path, arguments.time_limit)


if __name__ == "__main__":
    main()
