"""Models for the tests of ONNX files, and what ONNX Runtime makes of them.

models.py helper DIR          writes models by the package `onnx`
models.py script DIR          writes models by the package `onnxscript`
models.py sklearn DIR         writes models by the package `skl2onnx`
models.py check FILE..        judges models by ONNX's checker and runs them; says each output's shape
models.py chain WHOLE PART..  runs the parts one after the other and compares with the whole
models.py caffe FILE          compares a model of `caffe.prototxt` below with what Caffe computes, by numpy
"""

import sys
from pathlib import Path

import numpy as np


def initializer(name, array):
    from onnx import numpy_helper

    return numpy_helper.from_array(np.asarray(array), name)


def save(folder, name, nodes, inputs, outputs, initializers, **options):
    import onnx
    from onnx import TensorProto, helper

    info = lambda pair: helper.make_tensor_value_info(pair[0], TensorProto.FLOAT, pair[1])
    graph = helper.make_graph(nodes, name, list(map(info, inputs)), list(map(info, outputs)), initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", options.pop("opset", 17))], ir_version=8)
    onnx.save(model, folder / f"{name}.onnx", **options)


def random(*shape):
    return (np.random.default_rng(sum(shape)).standard_normal(shape) * 0.1).astype(np.float32)


def write_encoder(folder):
    """A block of a vision transformer with an open batch, its shapes taken from the input's as exporters do."""
    from onnx import helper

    node = helper.make_node
    constants = {
        "w_qkv": random(64, 192), "b_qkv": random(192), "w_out": random(64, 64), "w_up": random(64, 128),
        "w_down": random(128, 64), "ln_w": random(64), "ln_b": random(64), "zero": np.array(0), "ten": np.array([10]),
        "one_side": np.array([0]), "heads": np.array([3, 4, 16]), "minus": np.array([-1]), "wide": np.array([64]),
        "scale": np.array(0.25, np.float32), "half": np.array(0.5, np.float32), "root": np.array(1.41421, np.float32),
        "unit": np.array(1.0, np.float32), "first": np.array([0]), "second": np.array([1]), "third": np.array([2]),
    }
    nodes = [
        node("LayerNormalization", ["x", "ln_w", "ln_b"], ["n"], axis=-1),
        node("MatMul", ["n", "w_qkv"], ["p"]), node("Add", ["p", "b_qkv"], ["qkv"]),
        node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["batch"]),
        node("Unsqueeze", ["batch", "one_side"], ["batch1"]),
        node("Concat", ["batch1", "ten", "heads"], ["split_shape"], axis=0),
        node("Reshape", ["qkv", "split_shape"], ["r"]), node("Transpose", ["r"], ["t"], perm=[2, 0, 3, 1, 4]),
        node("Split", ["t"], ["q5", "k5", "v5"], axis=0),
        node("Squeeze", ["q5", "one_side"], ["q"]), node("Squeeze", ["k5", "one_side"], ["k"]),
        node("Squeeze", ["v5", "one_side"], ["v"]),
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), node("MatMul", ["q", "kt"], ["a"]),
        node("Mul", ["a", "scale"], ["as"]), node("Softmax", ["as"], ["weights"], axis=-1),
        node("MatMul", ["weights", "v"], ["c"]), node("Transpose", ["c"], ["ct"], perm=[0, 2, 1, 3]),
        node("Concat", ["batch1", "ten", "wide"], ["flat_shape"], axis=0), node("Reshape", ["ct", "flat_shape"], ["cf"]),
        node("MatMul", ["cf", "w_out"], ["o"]), node("Add", ["o", "x"], ["h"]),
        node("MatMul", ["h", "w_up"], ["u"]),
        node("Div", ["u", "root"], ["d"]), node("Erf", ["d"], ["e"]), node("Add", ["e", "unit"], ["e1"]),
        node("Mul", ["u", "e1"], ["g2"]), node("Mul", ["g2", "half"], ["g"]),
        node("MatMul", ["g", "w_down"], ["w"]), node("Add", ["w", "h"], ["l"]),
        node("ReduceMean", ["l"], ["y"], axes=[1], keepdims=0),
    ]
    constants = [initializer(name, value) for name, value in constants.items()]
    save(folder, "encoder", nodes, [("x", ["batch", 10, 64])], [("y", ["batch", 64])], constants)


def write_mobile(folder):
    """An inverted residual block with squeeze and excitation, uneven padding and a resized second output."""
    from onnx import helper

    node = helper.make_node
    constants = {
        "w1": random(16, 3, 3, 3), "b1": random(16), "w2": random(16, 1, 3, 3), "w3": random(4, 16, 1, 1),
        "w4": random(16, 4, 1, 1), "w5": random(16, 16, 1, 1), "scales": np.array([1, 1, 2, 2], np.float32),
        "fc": random(10, 16), "zero": np.array(0, np.float32), "six": np.array(6, np.float32), "slope": random(16, 1, 1),
    }
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], strides=[2, 2], pads=[0, 0, 1, 1]), node("HardSwish", ["c1"], ["h1"]),
        node("Conv", ["h1", "w2"], ["c2"], group=16, auto_pad="SAME_UPPER"), node("Clip", ["c2", "zero", "six"], ["r2"]),
        node("GlobalAveragePool", ["r2"], ["s"]), node("Conv", ["s", "w3"], ["s1"]), node("PRelu", ["s1", "z"], ["s2"]),
        node("Conv", ["s2", "w4"], ["s3"]), node("HardSigmoid", ["s3"], ["gate"], alpha=0.2, beta=0.5),
        node("Mul", ["r2", "gate"], ["m"]), node("Conv", ["m", "w5"], ["c5"]), node("Add", ["c5", "h1"], ["a"]),
        node("AveragePool", ["a"], ["p"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("PRelu", ["p", "slope"], ["q"]), node("Resize", ["q", "", "scales"], ["up"], mode="nearest"),
        node("ReduceMean", ["q"], ["mean"], axes=[2, 3], keepdims=0), node("Gemm", ["mean", "fc"], ["y"], transB=1),
    ]
    constants["z"] = random(4, 1, 1)
    constants = [initializer(name, value) for name, value in constants.items()]
    outputs = [("up", ["n", 16, 16, 16]), ("y", ["n", 10])]
    save(folder, "mobile", nodes, [("x", ["n", 3, 32, 32])], outputs, constants, save_as_external_data=True,
         location="mobile.weights", size_threshold=64)


def write_helper(folder):
    write_encoder(folder)
    write_mobile(folder)


def write_script(folder):
    import onnx
    import onnxscript
    from onnxscript import FLOAT, opset18 as op

    w1, w2 = initializer("w1", random(8, 3, 3, 3)), initializer("w2", random(8, 10))
    # The package looks names up where a function's module has them.
    globals().update(FLOAT=FLOAT, op=op, w1=w1, w2=w2)

    @onnxscript.script(default_opset=op)
    def network(x: FLOAT[1, 3, 16, 16]) -> FLOAT[1, 10]:
        first = op.Conv(x, op.Constant(value=w1), pads=[1, 1, 1, 1], strides=[2, 2])
        second = op.Relu(first) + op.Sigmoid(first) * 0.5
        left, right = op.Split(second, num_outputs=2, axis=1)
        joined = op.Concat(right, op.LeakyRelu(left, alpha=0.1), axis=1)
        pooled = op.Squeeze(op.ReduceMean(joined, op.Constant(value_ints=[2, 3])), op.Constant(value_ints=[2, 3]))
        return op.Softmax(op.MatMul(pooled, op.Constant(value=w2)), axis=-1)

    onnx.save(network.to_model_proto(ir_version=8), folder / "script.onnx")


def write_sklearn(folder):
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPRegressor

    data = random(40, 12)
    network = MLPRegressor(hidden_layer_sizes=(20, 8), max_iter=5, random_state=0).fit(data, data[:, 0])
    (folder / "perceptron.onnx").write_bytes(to_onnx(network, data[:1], target_opset=17).SerializeToString())


def session(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def feed(model):
    side = lambda side: side if isinstance(side, int) else 1
    draw = np.random.default_rng(1).standard_normal
    return {given.name: draw([side(s) for s in given.shape]).astype(np.float32) * 0.5 for given in model.get_inputs()}


def names(values):
    return [value.name for value in values]


def check(*paths):
    import onnx

    for path in paths:
        onnx.checker.check_model(path, full_check=True)
        model = session(path)
        for name, value in zip(names(model.get_outputs()), model.run(None, feed(model))):
            assert np.isfinite(value).all(), f"{path}: {name} is not finite"
            assert value.std() > 0, f"{path}: {name} is the same everywhere"
            print(Path(path).stem, name, *value.shape)


def chain(whole, *parts):
    import onnx

    model = session(whole)
    have = feed(model)
    wanted = dict(zip(names(model.get_outputs()), model.run(None, have)))
    for path in parts:
        onnx.checker.check_model(path, full_check=True)
        part = session(path)
        made = part.run(None, {name: have[name] for name in names(part.get_inputs())})
        have.update(zip(names(part.get_outputs()), made))
    for name, value in wanted.items():
        error = np.linalg.norm(have[name] - value) / np.linalg.norm(value)
        assert error < 1e-4, f"{name} differs by {error}"
        print(name, "agrees")


def windows(x, kernel, stride, pad, output, reduce):
    """Caffe's pooling of [channels, rows, columns]: `reduce` gets what lies inside and the area that counts."""
    sides = x.shape[1:]
    made = np.zeros((x.shape[0], *output), np.float64)
    for row in range(output[0]):
        for column in range(output[1]):
            begin = [row * stride - pad, column * stride - pad]
            end = [min(b + kernel, side + pad) for b, side in zip(begin, sides)]
            area = (end[0] - begin[0]) * (end[1] - begin[1])
            inside = x[:, max(begin[0], 0) : min(end[0], sides[0]), max(begin[1], 0) : min(end[1], sides[1])]
            made[:, row, column] = reduce(inside.reshape(x.shape[0], -1), area)
    return made


def caffe(path):
    """The outputs of `tests/fixtures/semantics.prototxt`, one a layer, on a random input."""
    model = session(path)
    given = feed(model)
    made = dict(zip(names(model.get_outputs()), model.run(None, given)))
    x = given["data"][0].astype(np.float64)
    mean = lambda inside, area: inside.sum(1) / area
    squares = windows(x * x, 3, 1, 1, x.shape[1:], mean)
    channels = np.arange(len(x))
    across = sum((x**2)[np.abs(channels - channel) <= 1].sum(0)[None] * (channels == channel)[:, None, None] for channel in channels)
    rectified = np.maximum(x, 0)
    expected = {
        "max_ceil": windows(x, 3, 2, 0, (4, 4), lambda inside, _: inside.max(1)),
        "max_pad": windows(x, 3, 2, 1, (5, 5), lambda inside, _: inside.max(1)),
        "average_ceil": windows(x, 3, 2, 0, (4, 4), mean),
        "average_pad": windows(x, 3, 2, 1, (5, 5), mean),
        "average_even": windows(x, 3, 1, 1, (8, 8), mean),
        "lrn_within": x / (1 + 0.5 * squares) ** 0.75,
        "lrn_across": x / (2 + 0.5 / 3 * across) ** 0.75,
        "weighted": x - 0.25 * rectified,
        "product": x * rectified,
        "power": (3 + 2 * x) ** 2,
        "clip": np.clip(x, -0.1, 0.2),
        "inverted": np.full_like(x, 1.0),
        "elu": np.where(x > 0, x, 0.5 * np.expm1(x)),
        "leaky": np.where(x > 0, x, 0.1 * x),
        "bnll": np.log1p(np.exp(x)),
        "magnitude": np.abs(x),
        "turned": x.transpose(2, 0, 1),
        "small": windows(x, 4, 2, 0, (3, 3), lambda inside, _: inside.max(1)),
        "cropped": x[:, 1:4, 4:7],
        "summed": x.sum((1, 2), keepdims=True),
        "mean": x.mean(2, keepdims=True),
        "reshaped": x.reshape(8, 8, 4),
    }
    for name, value in expected.items():
        error = np.abs(made[name][0] - value).max()
        assert made[name][0].shape == value.shape and error < 1e-4, f"{name} differs by {error}"
        print(name, "agrees")
    assert set(made) == set(expected), sorted(set(made) ^ set(expected))


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command in ("helper", "script", "sklearn"):
        {"helper": write_helper, "script": write_script, "sklearn": write_sklearn}[command](Path(arguments[0]))
    else:
        {"check": check, "chain": chain, "caffe": caffe}[command](*arguments)
