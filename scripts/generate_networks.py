#!/usr/bin/env python3
"""Writes the networks that ship with haxconn, from their published definitions.

    scripts/generate_networks.py [OUTPUT_DIRECTORY]

fills `prototxt_input_files/` (the twelve networks that the HaX-CoNN artifact schedules) and
`convolution_characterization_prototxts/` (its 25 single convolutions) under the directory, by default the
repository root. The output is the same on every machine; a test compares it with the committed files.

Layer names are those of the well-known Caffe models, so that TensorRT's logs of either match. Where the artifact
(github.com/ismetdagli/HaX-CoNN) departs from a published definition its choice is kept, and said at the network.
"""

import sys
from pathlib import Path

NO_BIAS = {"bias_term": "false"}


class Network:
    """The text of one network, layer by layer; every method returns the name of the blob that it writes."""

    def __init__(self, comment, name, channels, height, width):
        self.lines = [f"# {line}" for line in ["Written by scripts/generate_networks.py.", *comment]]
        self.lines += [f'name: "{name}"', 'input: "data"']
        self.lines += [f"input_dim: {dim}" for dim in (1, channels, height, width)]

    def layer(self, name, kind, bottoms, top=None, **parameters):
        top = top or name
        bottoms = [bottoms] if isinstance(bottoms, str) else bottoms
        self.lines += ["layer {", f'  name: "{name}"', f'  type: "{kind}"']
        self.lines += [f'  bottom: "{bottom}"' for bottom in bottoms] + [f'  top: "{top}"']
        for message, fields in parameters.items():
            body = " ".join(f"{key}: {value}" for key, value in fields)
            self.lines.append(f"  {message} {{ {body} }}")
        self.lines.append("}")
        return top

    def conv(self, name, bottom, num_output, kernel, **options):
        fields = [("num_output", num_output)]
        if isinstance(kernel, tuple):
            fields += [("kernel_h", kernel[0]), ("kernel_w", kernel[1])]
        else:
            fields += [("kernel_size", kernel)]
        return self.layer(name, "Convolution", bottom, convolution_param=fields + list(options.items()))

    def relu(self, name, blob):
        return self.layer(name, "ReLU", blob, blob)

    def norm(self, bn_name, scale_name, bottom, top, eps=None):
        fields = [("use_global_stats", "true")] + ([("eps", eps)] if eps else [])
        self.layer(bn_name, "BatchNorm", bottom, top, batch_norm_param=fields)
        return self.layer(scale_name, "Scale", top, top, scale_param=[("bias_term", "true")])

    def pool(self, name, bottom, method, kernel, stride, pad=0):
        fields = [("pool", method), ("kernel_size", kernel), ("stride", stride)] + ([("pad", pad)] if pad else [])
        return self.layer(name, "Pooling", bottom, pooling_param=fields)

    def global_average(self, name, bottom):
        return self.layer(name, "Pooling", bottom, pooling_param=[("pool", "AVE"), ("global_pooling", "true")])

    def lrn(self, name, bottom):
        return self.layer(name, "LRN", bottom, lrn_param=[("local_size", 5), ("alpha", 0.0001), ("beta", 0.75)])

    def fully_connected(self, name, bottom, num_output):
        return self.layer(name, "InnerProduct", bottom, inner_product_param=[("num_output", num_output)])

    def dropout(self, name, bottom, ratio, top=None):
        return self.layer(name, "Dropout", bottom, top or bottom, dropout_param=[("dropout_ratio", ratio)])

    def concat(self, name, bottoms):
        return self.layer(name, "Concat", bottoms)

    def sum(self, name, bottoms, coefficients=()):
        fields = [("operation", "SUM")] + [("coeff", coefficient) for coefficient in coefficients]
        return self.layer(name, "Eltwise", bottoms, eltwise_param=fields)

    def softmax(self, bottom):
        return self.layer("prob", "Softmax", bottom)

    def text(self):
        return "\n".join(self.lines) + "\n"


def alexnet():
    """Krizhevsky et al. 2012, as the Caffe model zoo's bvlc_alexnet."""
    net = Network(["AlexNet (bvlc_alexnet): Krizhevsky et al., 2012."], "AlexNet", 3, 227, 227)

    def normalised(index, blob):
        return net.pool(f"pool{index}", net.lrn(f"norm{index}", blob), "MAX", 3, 2)

    blob = normalised(1, net.relu("relu1", net.conv("conv1", "data", 96, 11, stride=4)))
    blob = normalised(2, net.relu("relu2", net.conv("conv2", blob, 256, 5, pad=2, group=2)))
    blob = net.relu("relu3", net.conv("conv3", blob, 384, 3, pad=1))
    blob = net.relu("relu4", net.conv("conv4", blob, 384, 3, pad=1, group=2))
    blob = net.relu("relu5", net.conv("conv5", blob, 256, 3, pad=1, group=2))
    blob = net.pool("pool5", blob, "MAX", 3, 2)
    return fully_connected_tail(net, blob, [(6, 4096), (7, 4096)], 1000)


def fully_connected_tail(net, blob, hidden, classes):
    for index, num_output in hidden:
        blob = net.relu(f"relu{index}", net.fully_connected(f"fc{index}", blob, num_output))
        blob = net.dropout(f"drop{index}", blob, 0.5)
    net.softmax(net.fully_connected("fc8", blob, classes))
    return net


def vgg_features(net, repeats, last_pool):
    blob = "data"
    for stage, (channels, count) in enumerate(zip((64, 128, 256, 512, 512), repeats), 1):
        for index in range(1, count + 1):
            blob = net.conv(f"conv{stage}_{index}", blob, channels, 3, pad=1)
            net.relu(f"relu{stage}_{index}", blob)
        blob = net.pool(f"pool{stage}", blob, "MAX", last_pool if stage == 5 else 2, 2)
    return blob


def vgg16():
    """Simonyan and Zisserman 2014, configuration D."""
    net = Network(["VGG16, configuration D: Simonyan and Zisserman, 2014."], "VGG_ILSVRC_16_layers", 3, 224, 224)
    return fully_connected_tail(net, vgg_features(net, (2, 2, 3, 3, 3), 2), [(6, 4096), (7, 4096)], 1000)


def vgg19():
    """Configuration E, with the artifact's head: an 8x8 pool5, no fc6, and 100 outputs in fc7 and fc8."""
    comment = [
        "VGG19, configuration E: Simonyan and Zisserman, 2014, with the head of the HaX-CoNN artifact's network:",
        "pool5 is 8x8, there is no fc6, and fc7 and fc8 have 100 outputs (20.9 million parameters, not 143.7).",
    ]
    net = Network(comment, "VGG_ILSVRC_19_layers", 3, 224, 224)
    return fully_connected_tail(net, vgg_features(net, (2, 2, 4, 4, 4), 8), [(7, 100)], 100)


# Outputs of the 1x1, the 3x3's reduction, the 3x3, the 5x5's reduction, the 5x5 and the pool's projection.
GOOGLENET_MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet():
    """Szegedy et al. 2014, as the Caffe model zoo's bvlc_googlenet."""
    net = Network(["GoogLeNet (bvlc_googlenet): Szegedy et al., 2014."], "GoogleNet", 3, 224, 224)

    def conv_relu(block, name, bottom, *shape, **options):
        return net.relu(f"{block}/relu_{name.removesuffix('_s2')}", net.conv(f"{block}/{name}", bottom, *shape, **options))

    def inception(bottom, stage, outputs):
        block = f"inception_{stage}"
        one, three_reduce, three, five_reduce, five, projection = outputs
        parts = [conv_relu(block, "1x1", bottom, one, 1)]
        reduced = conv_relu(block, "3x3_reduce", bottom, three_reduce, 1)
        parts.append(conv_relu(block, "3x3", reduced, three, 3, pad=1))
        reduced = conv_relu(block, "5x5_reduce", bottom, five_reduce, 1)
        parts.append(conv_relu(block, "5x5", reduced, five, 5, pad=2))
        pooled = net.pool(f"{block}/pool", bottom, "MAX", 3, 1, pad=1)
        parts.append(conv_relu(block, "pool_proj", pooled, projection, 1))
        return net.concat(f"{block}/output", parts)

    blob = conv_relu("conv1", "7x7_s2", "data", 64, 7, pad=3, stride=2)
    blob = net.lrn("pool1/norm1", net.pool("pool1/3x3_s2", blob, "MAX", 3, 2))
    blob = conv_relu("conv2", "3x3", conv_relu("conv2", "3x3_reduce", blob, 64, 1), 192, 3, pad=1)
    blob = net.pool("pool2/3x3_s2", net.lrn("conv2/norm2", blob), "MAX", 3, 2)
    for stage, outputs in GOOGLENET_MODULES.items():
        if stage in ("4a", "5a"):
            blob = net.pool(f"pool{int(stage[0]) - 1}/3x3_s2", blob, "MAX", 3, 2)
        blob = inception(blob, stage, outputs)
    blob = net.dropout("pool5/drop_7x7_s1", net.pool("pool5/7x7_s1", blob, "AVE", 7, 1), 0.4)
    net.softmax(net.fully_connected("loss3/classifier", blob, 1000))
    return net


def resnet(depth, repeats, letters, comment=()):
    """He et al. 2015, as published for Caffe: the stride of a bottleneck is on its first 1x1 convolution."""
    net = Network([f"ResNet-{depth}: He et al., 2015.", *comment], f"ResNet-{depth}", 3, 224, 224)
    bottleneck = depth >= 50

    def conv_norm(block, branch, bottom, *shape, **options):
        blob = net.conv(f"res{block}_branch{branch}", bottom, *shape, **options, **NO_BIAS)
        return net.norm(f"bn{block}_branch{branch}", f"scale{block}_branch{branch}", blob, blob)

    def conv_norm_relu(block, branch, *arguments, **options):
        blob = conv_norm(block, branch, *arguments, **options)
        return net.relu(f"res{block}_branch{branch}_relu", blob)

    def residual(bottom, block, width, stride):
        if bottleneck:
            blob = conv_norm_relu(block, "2a", bottom, width, 1, stride=stride)
            blob = conv_norm_relu(block, "2b", blob, width, 3, pad=1)
            return conv_norm(block, "2c", blob, 4 * width, 1)
        blob = conv_norm_relu(block, "2a", bottom, width, 3, pad=1, stride=stride)
        return conv_norm(block, "2b", blob, width, 3, pad=1)

    # Published ResNet-50 alone keeps a bias in its first convolution.
    blob = net.conv("conv1", "data", 64, 7, pad=3, stride=2, **({} if depth == 50 else NO_BIAS))
    blob = net.relu("conv1_relu", net.norm("bn_conv1", "scale_conv1", blob, blob))
    blob = net.pool("pool1", blob, "MAX", 3, 2)
    for stage, count in enumerate(repeats, 2):
        width = 32 << (stage - 1)
        for index in range(count):
            numbered = not letters and stage in (3, 4) and index
            block = f"{stage}b{index}" if numbered else f"{stage}{'abcdef'[index]}"
            stride = 2 if stage > 2 and index == 0 else 1
            shortcut = blob
            if index == 0:
                shortcut = conv_norm(block, "1", blob, 4 * width if bottleneck else width, 1, stride=stride)
            blob = net.sum(f"res{block}", [shortcut, residual(blob, block, width, stride)])
            net.relu(f"res{block}_relu", blob)
    net.softmax(net.fully_connected("fc1000", net.pool("pool5", blob, "AVE", 7, 1), 1000))
    return net


def mobilenet():
    """Howard et al. 2017, version 1 of width 1.0."""
    net = Network(["MobileNet v1, width 1.0: Howard et al., 2017."], "MOBILENET", 3, 224, 224)

    def conv_norm_relu(name, bottom, *shape, **options):
        blob = net.conv(name, bottom, *shape, **NO_BIAS, **options)
        net.norm(f"{name}/bn", f"{name}/scale", blob, blob, "1e-5")
        return net.relu(f"relu{name.removeprefix('conv')}", blob)

    blob, channels = conv_norm_relu("conv1", "data", 32, 3, pad=1, stride=2), 32
    stages = [("2_1", 64, 1), ("2_2", 128, 2), ("3_1", 128, 1), ("3_2", 256, 2), ("4_1", 256, 1), ("4_2", 512, 2)]
    stages += [(f"5_{index}", 512, 1) for index in range(1, 6)] + [("5_6", 1024, 2), ("6", 1024, 1)]
    for stage, num_output, stride in stages:
        blob = conv_norm_relu(f"conv{stage}/dw", blob, channels, 3, pad=1, stride=stride, group=channels, engine="CAFFE")
        blob, channels = conv_norm_relu(f"conv{stage}/sep", blob, num_output, 1), num_output
    net.softmax(net.conv("fc7", net.global_average("pool6", blob), 1000, 1))
    return net


def densenet():
    """Huang et al. 2016, DenseNet-121; its pool1 pads and rounds up as in Caffe, so that blocks see 57x57."""
    comment = [
        "DenseNet-121: Huang et al., 2016. With Caffe's rounding the padded pool1 gives 57x57 (then 29, 15 and 8),",
        "not 56x56. There is no softmax: the classifier is a 1x1 convolution named prob.",
    ]
    net = Network(comment, "DENSENET_121", 3, 224, 224)

    def norm_relu(name, relu_name, bottom):
        return net.relu(relu_name, net.norm(f"{name}/bn", f"{name}/scale", bottom, f"{name}/bn", "1e-5"))

    def norm_relu_conv(name, bottom, *shape, **options):
        return net.conv(name, norm_relu(name, f"relu{name.removeprefix('conv')}", bottom), *shape, **NO_BIAS, **options)

    blob = net.conv("conv1", "data", 64, 7, pad=3, stride=2, **NO_BIAS)
    blob, channels = net.pool("pool1", norm_relu("conv1", "relu1", blob), "MAX", 3, 2, pad=1), 64
    for stage, count in enumerate((6, 12, 24, 16), 2):
        for index in range(1, count + 1):
            name = f"{stage}_{index}"
            grown = norm_relu_conv(f"conv{name}/x2", norm_relu_conv(f"conv{name}/x1", blob, 128, 1), 32, 3, pad=1)
            blob, channels = net.concat(f"concat_{name}", [blob, grown]), channels + 32
        if stage < 5:
            channels //= 2
            blob = net.pool(f"pool{stage}", norm_relu_conv(f"conv{stage}_blk", blob, channels, 1), "AVE", 2, 2)
    net.conv("prob", net.global_average("pool5", norm_relu("conv5_blk", "relu5_blk", blob)), 1000, 1)
    return net


class InceptionNetwork(Network):
    """What Inception-v4 and Inception-ResNet-v2 share: a convolution that is normalised and rectified."""

    def unit(self, name, bottom, num_output, kernel, stride=1, pad=None, relu=None):
        if isinstance(kernel, tuple):
            padding = {"pad_h": kernel[0] // 2, "pad_w": kernel[1] // 2}
        else:
            padding = {"pad": (kernel // 2 if stride == 1 else 0) if pad is None else pad}
        blob = self.conv(name, bottom, num_output, kernel, stride=stride, **padding, **NO_BIAS)
        self.norm(f"{name}_bn", f"{name}_scale", blob, blob, "0.001")
        return self.relu(relu or f"{name}_relu", blob)

    def units(self, prefix, bottom, *steps):
        """A chain of units: each step is (name, num_output, kernel[, stride])."""
        for name, *shape in steps:
            bottom = self.unit(f"{prefix}_{name}", bottom, *shape)
        return bottom

    def classify(self, blob):
        blob = self.global_average("pool_8x8_s1", blob)
        self.softmax(self.fully_connected("classifier", self.dropout(f"{blob}_drop", blob, 0.2, f"{blob}_drop"), 1000))


def inception_v4_stem(net):
    blob = net.unit("conv1_3x3_s2", "data", 32, 3, 2)
    blob = net.unit("conv2_3x3_s1", blob, 32, 3, pad=0)
    blob = net.unit("conv3_3x3_s1", blob, 64, 3)
    conv = net.unit("inception_stem1_3x3_s2", blob, 96, 3, 2)
    blob = net.concat("inception_stem1", [net.pool("inception_stem1_pool", blob, "MAX", 3, 2), conv])
    left = net.unit("inception_stem2_3x3_reduce", blob, 64, 1)
    left = net.unit("inception_stem2_3x3", left, 96, 3, pad=0)
    right = net.units("inception_stem2", blob, ("1x7_reduce", 64, 1), ("1x7", 64, (1, 7)), ("7x1", 64, (7, 1)))
    right = net.unit("inception_stem2_3x3_2", right, 96, 3, pad=0)
    blob = net.concat("inception_stem2", [left, right])
    conv = net.unit("inception_stem3_3x3_s2", blob, 192, 3, 2)
    return net.concat("inception_stem3", [conv, net.pool("inception_stem3_pool", blob, "MAX", 3, 2)])


def inception_v4():
    """Szegedy et al. 2016."""
    net = InceptionNetwork(["Inception-v4: Szegedy et al., 2016."], "Inception-v4", 3, 299, 299)

    def pooled(name, bottom, num_output):
        return net.unit(f"{name}_1x1", net.pool(f"{name}_pool_ave", bottom, "AVE", 3, 1, pad=1), num_output, 1)

    def block_a(name, bottom):
        parts = [net.units(name, bottom, ("1x1_2", 96, 1))]
        parts.append(net.units(name, bottom, ("3x3_reduce", 64, 1), ("3x3", 96, 3)))
        parts.append(net.units(name, bottom, ("3x3_2_reduce", 64, 1), ("3x3_2", 96, 3), ("3x3_3", 96, 3)))
        return net.concat(f"{name}_concat", [*parts, pooled(name, bottom, 96)])

    def block_b(name, bottom):
        parts = [net.units(name, bottom, ("1x1_2", 384, 1))]
        parts.append(net.units(name, bottom, ("1x7_reduce", 192, 1), ("1x7", 224, (1, 7)), ("7x1", 256, (7, 1))))
        blob = net.units(name, bottom, ("7x1_2_reduce", 192, 1), ("7x1_2", 192, (7, 1)), ("1x7_2", 224, (1, 7)))
        parts.append(net.units(name, blob, ("7x1_3", 224, (7, 1)), ("1x7_3", 256, (1, 7))))
        return net.concat(f"{name}_concat", [*parts, pooled(name, bottom, 128)])

    def block_c(name, bottom):
        parts = [net.units(name, bottom, ("1x1_2", 256, 1))]
        blob = net.units(name, bottom, ("1x1_3", 384, 1))
        parts += [net.units(name, blob, ("1x3", 256, (1, 3))), net.units(name, blob, ("3x1", 256, (3, 1)))]
        blob = net.units(name, bottom, ("1x1_4", 384, 1), ("3x1_2", 448, (3, 1)), ("1x3_2", 512, (1, 3)))
        parts += [net.units(name, blob, ("1x3_3", 256, (1, 3))), net.units(name, blob, ("3x1_3", 256, (3, 1)))]
        return net.concat(f"{name}_concat", [*parts, pooled(name, bottom, 256)])

    def reduction(name, bottom, *branches):
        parts = [net.units(name, bottom, *branch) for branch in branches]
        return net.concat(f"{name}_concat", [*parts, net.pool(f"{name}_pool", bottom, "MAX", 3, 2)])

    def repeat(block, letter, count, blob):
        for index in range(1, count + 1):
            blob = block(f"inception_{letter}{index}", blob)
        return blob

    blob = repeat(block_a, "a", 4, inception_v4_stem(net))
    last = [("3x3_2_reduce", 192, 1), ("3x3_2", 224, 3), ("3x3_3", 256, 3, 2)]
    blob = repeat(block_b, "b", 7, reduction("reduction_a", blob, [("3x3", 384, 3, 2)], last))
    first = [("3x3_reduce", 192, 1), ("3x3", 192, 3, 2)]
    last = [("1x7_reduce", 256, 1), ("1x7", 256, (1, 7)), ("7x1", 320, (7, 1)), ("3x3_2", 320, 3, 2)]
    net.classify(repeat(block_c, "c", 3, reduction("reduction_b", blob, first, last)))
    return net


def inception_resnet_v2_stem(net):
    blob = net.unit("conv1_3x3_s2", "data", 32, 3, 2, relu="conv1_3x3_relu")
    blob = net.unit("conv2_3x3_s1", blob, 32, 3, pad=0, relu="conv2_3x3_relu")
    blob = net.unit("conv3_3x3_s1", blob, 64, 3, relu="conv3_3x3_relu")
    blob = net.unit("conv4_3x3_reduce", net.pool("pool1_3x3_s2", blob, "MAX", 3, 2), 80, 1)
    blob = net.pool("pool2_3x3_s2", net.unit("conv4_3x3", blob, 192, 3, pad=0, relu="conv4_relu_3x3"), "MAX", 3, 2)
    parts = [net.unit("conv5_1x1", blob, 96, 1)]
    parts.append(net.units("conv5", blob, ("5x5_reduce", 48, 1), ("5x5", 64, 5)))
    parts.append(net.units("conv5", blob, ("3x3_reduce", 64, 1), ("3x3", 96, 3), ("3x3_2", 96, 3)))
    parts.append(net.unit("conv5_1x1_ave", net.pool("ave_pool", blob, "AVE", 3, 1, pad=1), 64, 1))
    return net.concat("stem_concat", parts)


def inception_resnet_v2():
    """Szegedy et al. 2016; the last residual is neither scaled nor rectified."""
    net = InceptionNetwork(["Inception-ResNet-v2: Szegedy et al., 2016."], "Inception-ResNet-v2", 3, 299, 299)

    def residual(name, bottom, channels, coefficients, *branches):
        parts = [net.units(name, bottom, *branch) for branch in branches]
        blob = net.conv(f"{name}_up", net.concat(f"{name}_concat", parts), channels, 1)
        return net.sum(f"{name}_residual_eltwise", [bottom, blob], coefficients)

    def repeat(letter, count, blob, channels, scale, *branches):
        for index in range(1, count + 1):
            last = letter == "c" and index == count
            name = f"inception_resnet_v2_{letter}{index}"
            blob = residual(name, blob, channels, () if last else (1, scale), *branches)
            if not last:
                net.relu(f"{blob}_relu", blob)
        return blob

    def reduction(name, bottom, *branches):
        parts = [net.units(name, bottom, *branch) for branch in branches]
        return net.concat(f"{name}_concat", [*parts, net.pool(f"{name}_pool", bottom, "MAX", 3, 2)])

    three = [("3x3_reduce", 32, 1), ("3x3", 32, 3)]
    double = [("3x3_2_reduce", 32, 1), ("3x3_2", 48, 3), ("3x3_3", 64, 3)]
    blob = repeat("a", 10, inception_resnet_v2_stem(net), 320, 0.17, [("1x1", 32, 1)], three, double)
    double = [("3x3_2_reduce", 256, 1), ("3x3_2", 256, 3), ("3x3_3", 384, 3, 2)]
    blob = reduction("reduction_a", blob, [("3x3", 384, 3, 2)], double)
    seven = [("1x7_reduce", 128, 1), ("1x7", 160, (1, 7)), ("7x1", 192, (7, 1))]
    blob = repeat("b", 20, blob, 1088, 0.1, [("1x1", 192, 1)], seven)
    first = [("3x3_reduce", 256, 1), ("3x3", 384, 3, 2)]
    second = [("3x3_2_reduce", 256, 1), ("3x3_2", 288, 3, 2)]
    third = [("3x3_3_reduce", 256, 1), ("3x3_3", 288, 3), ("3x3_4", 320, 3, 2)]
    blob = reduction("reduction_b", blob, first, second, third)
    three = [("1x3_reduce", 192, 1), ("1x3", 224, (1, 3)), ("3x1", 256, (3, 1))]
    blob = repeat("c", 10, blob, 2080, 0.2, [("1x1", 192, 1)], three)
    net.classify(net.unit("conv6_1x1", blob, 1536, 1))
    return net


def characterisation(height, width, kernel):
    """One convolution of 64 channels and its ReLU; every kernel is padded by 1, as in the HaX-CoNN artifact."""
    net = Network([f"A {kernel}x{kernel} convolution on {height}x{width}."], "conv", 64, height, width)
    net.relu("relu3_1", net.conv("conv3_1", "data", 64, kernel, pad=1))
    return net


# The artifact's conv2_kernel4 holds a 2x2 kernel and its conv5_kernel3 a 5x5 one; here the name is what is inside.
CHARACTERISATION_SIZES = {1: (224, 112), 2: (112, 112), 3: (112, 56), 4: (56, 56), 5: (56, 28)}


def networks():
    extra = ["As in the HaX-CoNN artifact, the first stage has a projection shortcut too (21 convolutions, not 20)."]
    yield from {
        "alexnet": alexnet(),
        "vgg16": vgg16(),
        "vgg19": vgg19(),
        "googlenet": googlenet(),
        "resnet18": resnet(18, (2, 2, 2, 2), letters=True, comment=extra),
        "resnet50": resnet(50, (3, 4, 6, 3), letters=True),
        "resnet101": resnet(101, (3, 4, 23, 3), letters=False),
        "resnet152": resnet(152, (3, 8, 36, 3), letters=False),
        "mobilenet": mobilenet(),
        "densenet": densenet(),
        "inception": inception_v4(),
        "inc-res-v2": inception_resnet_v2(),
    }.items()


def files():
    for name, net in networks():
        yield f"prototxt_input_files/{name}.prototxt", net.text()
    for size, (height, width) in CHARACTERISATION_SIZES.items():
        for kernel in range(1, 6):
            path = f"convolution_characterization_prototxts/conv{size}_kernel{kernel}.prototxt"
            yield path, characterisation(height, width, kernel).text()


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    for path, text in files():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    print(f"wrote {sum(1 for _ in files())} networks under {root}")


if __name__ == "__main__":
    main()
