"""The network in torch, its losses, its training and its export."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sdr_lab.turns.detectors.features import FEATURES
from sdr_lab.turns.detectors.spectrum import BANDS
from training.segments import Segment
from training.targets import KINDS, Targets

LEVELS = {"level_caller": 61, "noise_caller": 65, "echo_caller": 82}
"""Places of the features that are relative to the caller's level."""
VOICING = 66
SENSES = {67: 0.2, 68: 0.2, 69: 0.15, 70: 0.05, 81: 0.1}
"""Features that depend on the voice and the telephone (pitch, centre, flatness, flux, crest) and
how far they are shifted, a whole segment at a time."""
KNOWN = 62
"""Place of the flag that this level is known."""


@dataclass(frozen=True)
class Recipe:
    """How to train."""

    width: int = 48
    hidden: int = 64
    epochs: int = 24
    batch: int = 32
    piece: int = 200
    """Frames."""
    cold: int = 30
    rate: float = 3e-3
    decay: float = 0.02
    dropout: float = 0.1
    input_dropout: float = 0.0
    noise: float = 0.05
    event_weight: float = 0.15
    kind_weight: float = 0.2
    smoothing: float = 0.02
    average: float = 0.998
    vary: float = 1.0
    """How much voices and telephones are varied; 0: not."""


class Net(nn.Module):
    """As `sdr_lab.turns.detectors.network` runs it."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.mean = torch.zeros(FEATURES)
        self.scale = torch.ones(FEATURES)
        self.dense = nn.Linear(FEATURES, recipe.width)
        self.gru = nn.GRU(recipe.width, recipe.hidden, batch_first=True)
        self.out = nn.Linear(recipe.hidden, 2)
        self.kind = nn.Linear(recipe.hidden, len(KINDS))
        self.recipe = recipe

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Shape (batch, frames, FEATURES) to logits (batch, frames, 2), and of the kinds."""
        values = (values - self.mean) * self.scale
        if self.training:
            values = values + self.recipe.noise * torch.randn_like(values)
            keep = torch.rand(len(values), 1, values.shape[2]) >= self.recipe.input_dropout
            values = values * keep
        dense = torch.relu(self.dense(values))
        dense = nn.functional.dropout(dense, self.recipe.dropout / 2, self.training)
        hidden, _ = self.gru(dense)
        hidden = nn.functional.dropout(hidden, self.recipe.dropout, self.training)
        return self.out(hidden), self.kind(hidden)


@dataclass
class Batch:
    features: Tensor
    is_caller: Tensor
    weights: Tensor
    """Shape (batch, frames, 2): hold, stop; 0 where there is no frame."""
    kind: Tensor
    events: list[tuple[int, int, int, bool]]
    """Row, first frame, last frame, whether the agent should stop."""


@dataclass(frozen=True)
class Piece:
    """A part of a segment: what is trained on at a time."""

    segment: int
    first: int
    end: int
    cold: int
    """Frames at its start that only warm up the state."""


def pieces_of(segments: list[Segment], recipe: Recipe, rng: np.random.Generator) -> list[Piece]:
    """Cut all segments at random places, a new way every epoch."""
    found = []
    for index, segment in enumerate(segments):
        frames = len(segment.features)
        first, end = 0, int(rng.integers(recipe.piece // 2, recipe.piece + 1))
        while first < frames:
            if frames - end < recipe.piece // 3:
                end = frames
            cold = recipe.cold if first else 0
            found.append(Piece(index, max(0, first - cold), min(end, frames), cold))
            first, end = end, end + recipe.piece
    return found


def batches_of(pieces: list[Piece], size: int, rng: np.random.Generator) -> list[list[Piece]]:
    """Group pieces of like length."""
    lengths = [piece.end - piece.first + rng.uniform(0, 20) for piece in pieces]
    order = np.argsort(lengths)
    groups = [[pieces[i] for i in order[at : at + size]] for at in range(0, len(order), size)]
    return [groups[i] for i in rng.permutation(len(groups))]


def batch_of(segments: list[Segment], targets: list[Targets], pieces: list[Piece]) -> Batch:
    longest = max(piece.end - piece.first for piece in pieces)
    features = np.zeros((len(pieces), longest, FEATURES), np.float32)
    is_caller = np.zeros((len(pieces), longest), np.float32)
    weights = np.zeros((len(pieces), longest, 2), np.float32)
    kind = np.full((len(pieces), longest), -100, np.int64)
    events = []
    for row, piece in enumerate(pieces):
        target, cut = targets[piece.segment], slice(piece.first, piece.end)
        frames = piece.end - piece.first
        features[row, :frames] = segments[piece.segment].features[cut]
        is_caller[row, :frames] = target.is_caller[cut]
        weights[row, piece.cold : frames, 0] = target.hold_weight[cut][piece.cold :]
        weights[row, piece.cold : frames, 1] = target.stop_weight[cut][piece.cold :]
        kind[row, piece.cold : frames] = target.kind[cut][piece.cold :]
        for first, last, is_wanted in target.events:
            if first >= piece.first + piece.cold and last < piece.end:
                events.append((row, first - piece.first, last - piece.first, is_wanted))
    tensors = map(torch.from_numpy, (features, is_caller, weights, kind))
    return Batch(*tensors, events=events)


def vary(features: Tensor, amount: float) -> Tensor:
    """Pretend other telephones and other levels: a copy, shape (batch, frames, FEATURES)."""
    features = features.clone()
    rows = len(features)
    shift = 0.3 * amount * torch.randn(rows, 1)
    is_unknown = (torch.rand(rows, 1) < 0.1) & (features[:, :1, KNOWN] > 0)
    shift = torch.where(is_unknown, 0.7 * torch.randn(rows, 1), shift)
    features[:, :, KNOWN] *= (~is_unknown).float()
    features[:, :, LEVELS["level_caller"]] += shift
    features[:, :, LEVELS["noise_caller"]] += 0.8 * shift
    features[:, :, LEVELS["echo_caller"]] += 0.8 * shift
    for place, spread in SENSES.items():
        features[:, :, place] += amount * spread * torch.randn(rows, 1)
    factor = 1 + amount * (0.4 * torch.rand(rows, 1) - 0.2)
    features[:, :, VOICING] = (features[:, :, VOICING] + 1) * factor - 1
    places = torch.linspace(-1, 1, BANDS)
    tilt = 0.25 * amount * torch.randn(rows, 1, 1) * places
    turns = 0.5 + torch.rand(rows, 1, 1)
    bend = 0.2 * amount * torch.randn(rows, 1, 1) * torch.cos(math.pi * places * turns)
    features[:, :, BANDS : 2 * BANDS] += tilt + bend + shift[:, :, None]
    return features


def loss_of(net: Net, batch: Batch, recipe: Recipe) -> Tensor:
    logits, kinds = net(vary(batch.features, recipe.vary))
    target = batch.is_caller[:, :, None].expand(-1, -1, 2)
    smooth = target * (1 - 2 * recipe.smoothing) + recipe.smoothing
    frame = (
        nn.functional.binary_cross_entropy_with_logits(
            logits, smooth, batch.weights, reduction="sum"
        )
        / batch.weights.sum()
    )
    frame = frame + recipe.kind_weight * nn.functional.cross_entropy(
        kinds.flatten(0, 1), batch.kind.flatten()
    )
    if not batch.events or recipe.event_weight == 0:
        return frame
    rows, firsts, lasts, wanted = (torch.tensor(x) for x in zip(*batch.events, strict=True))
    places = firsts[:, None] + torch.arange(int((lasts - firsts).max()) + 1)
    within = places <= lasts[:, None]
    heard = logits[rows[:, None], places.clamp(max=logits.shape[1] - 1), 1]
    peaks = heard.masked_fill(~within, -1e4).amax(dim=1)
    event = nn.functional.binary_cross_entropy_with_logits(peaks, wanted.float())
    return frame + recipe.event_weight * event


def train(
    segments: list[Segment], targets: list[Targets], recipe: Recipe, seed: int, say=print
) -> Net:
    """Train from one seed; return the averaged network."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Net(recipe)
    sample = np.concatenate([x.features[::7] for x in segments[::3]]).astype(np.float32)
    net.mean = torch.from_numpy(sample.mean(0))
    net.scale = torch.from_numpy(1 / (sample.std(0) + 0.1))
    mean = copy.deepcopy(net).eval()
    pieces = pieces_of(segments, recipe, rng)
    steps = math.ceil(1.02 * recipe.epochs * len(pieces) / recipe.batch) + recipe.epochs
    optimiser = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, steps, pct_start=0.15)
    done = 0
    for epoch in range(recipe.epochs):
        net.train()
        total = 0.0
        groups = batches_of(pieces_of(segments, recipe, rng), recipe.batch, rng)
        for group in groups:
            if done == steps:
                break
            batch = batch_of(segments, targets, group)
            loss = loss_of(net, batch, recipe)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            done += 1
            keep = min(recipe.average, (1 + done) / (10 + done))
            with torch.no_grad():
                for kept, new in zip(mean.parameters(), net.parameters(), strict=True):
                    kept.lerp_(new, 1 - keep)
            total += float(loss.detach())
        if epoch % 2 == 1 or epoch == recipe.epochs - 1:
            say(f"seed {seed} epoch {epoch + 1}: loss {total / len(groups):.4f}")
    return mean


@torch.no_grad()
def scores_of(net: Net, segments: list[Segment]) -> list[NDArray[np.float32]]:
    """Return hold and stop probabilities per frame, shape (frames, 2), of each segment."""
    net.eval()
    found: list[NDArray[np.float32]] = [np.zeros((0, 2), np.float32)] * len(segments)
    order = np.argsort([len(x.features) for x in segments])
    for start in range(0, len(order), 128):
        rows = order[start : start + 128].tolist()
        longest = max(len(segments[i].features) for i in rows)
        features = np.zeros((len(rows), longest, FEATURES), np.float32)
        for row, i in enumerate(rows):
            features[row, : len(segments[i].features)] = segments[i].features
        scores = torch.sigmoid(net(torch.from_numpy(features))[0]).numpy()
        for row, i in enumerate(rows):
            found[i] = scores[row, : len(segments[i].features)]
    return found


def export(net: Net, path: Path, limits: tuple[float, ...]) -> None:
    """Write the weights as `sdr_lab.turns.detectors.network` reads them, float16."""
    hidden = net.recipe.hidden
    halves = np.ones((3 * hidden, 1), np.float32)
    halves[: 2 * hidden] = 0.5  # sigmoid by tanh
    value = {name: p.detach().numpy() for name, p in net.named_parameters()}
    scale, mean = net.scale.numpy(), net.mean.numpy()
    dense = value["dense.weight"] * scale
    arrays = {
        "dense": dense,
        "dense_bias": value["dense.bias"] - dense @ mean,
        "heard": value["gru.weight_ih_l0"] * halves,
        "heard_bias": value["gru.bias_ih_l0"] * halves[:, 0],
        "kept": value["gru.weight_hh_l0"] * halves,
        "kept_bias": value["gru.bias_hh_l0"] * halves[:, 0],
        "out": value["out.weight"],
        "out_bias": value["out.bias"],
    }
    halved = {name: array.astype(np.float16) for name, array in arrays.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **halved, limits=np.asarray(limits, np.float32))
    temporary.replace(path)
