"""What the list of layers says, against the modules themselves."""

import json

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpen_core.model import Gpen, GpenConfig, layers_of, maps_of
from gpen_core.model.config import INJECTIONS, MAPPINGS, UPSAMPLINGS, levels_of
from gpen_core.model.layout import NOISE, PICTURES


@st.composite
def configs(draw):
    encoder = draw(st.sampled_from(["fir", "fir", "resnet50"]))
    fir, start = encoder == "fir", draw(st.sampled_from([4, 8]))
    input_size = draw(st.sampled_from([16, 32]))
    output_size = input_size * draw(st.sampled_from([1, 2]))
    levels = levels_of(output_size, start)
    return GpenConfig(
        input_size,
        output_size,
        channels=tuple(draw(st.lists(st.integers(1, 9), min_size=levels, max_size=levels))),
        style_dim=draw(st.integers(1, 9)),
        mapping_layers=draw(st.integers(0, 3)),
        concatenate=fir and draw(st.booleans()),
        encoder=encoder,
        mapping=draw(st.sampled_from(MAPPINGS)),
        injection=draw(st.sampled_from(INJECTIONS)),
        upsampling=draw(st.sampled_from(UPSAMPLINGS)),
        start=start,
        encoder_width=64 if fir else draw(st.integers(1, 3)),
    )


DEEPER = GpenConfig.resnet(32, channels=(4, 3, 2), style_dim=5, depth=101, encoder_width=1)


def built(config):
    torch.manual_seed(0)
    return Gpen(config).requires_grad_(False)


def weight_shape(layer, config):
    """As the published files have it; of "constant" and "norm", of what there is."""
    square = [layer.outputs, layer.inputs, layer.kernel, layer.kernel]
    modulated = layer.style is not None and config.injection == "modulation"
    return {
        "linear": [layer.outputs, layer.inputs],
        "constant": [1, layer.outputs, layer.side_out, layer.side_out],
        "norm": [layer.outputs],
    }.get(layer.kind, [1, *square] if modulated else square)


@settings(max_examples=20)
@given(configs())
@example(DEEPER)
def test_every_entry_of_the_state_dict_belongs_to_one_layer_and_weights_have_its_shape(config):
    layers, state = layers_of(config), built(config).state_dict()
    owners = {key: [layer.name for layer in layers if key.startswith(f"{layer.name}.")] for key in state}
    assert {key: names for key, names in owners.items() if len(names) != 1} == {}
    assert {names[0] for names in owners.values()} == {layer.name for layer in layers}
    for layer in layers:
        assert list(state[layer.weight].shape) == weight_shape(layer, config), layer


@settings(max_examples=15)
@given(configs())
@example(DEEPER)
def test_sides_and_widths_are_what_passes_through_the_modules(config):
    network, seen = built(config), {}

    def watch(layer):
        def came(module, inputs):
            seen[layer.name] = inputs[0]

        def went(module, inputs, out):
            seen[layer.name] = (seen[layer.name], out)

        # The generator runs a styled layer's two halves one by one.
        first, last = ("conv", "activate") if layer.kind == "styled" else (None, None)
        module = network.get_submodule(layer.name)
        (getattr(module, first) if first else module).register_forward_pre_hook(came)
        (getattr(module, last) if last else module).register_forward_hook(went)

    for layer in layers_of(config):
        watch(layer)
    network(torch.zeros(2, 3, config.input_size, config.input_size))
    for layer in layers_of(config):
        came, went = seen[layer.name]
        channels = layer.outputs * (config.joined if layer.kind == "styled" else 1)
        assert went.shape[1] == channels and (went.shape[-1] if went.dim() == 4 else 1) == layer.side_out, layer
        if layer.kind == "constant":  # it takes the number of faces
            assert came == 2
        else:
            assert came.shape[1] == layer.inputs and (came.shape[-1] if came.dim() == 4 else 1) == layer.side_in, layer


@settings(max_examples=15)
@given(configs())
def test_the_style_indices_are_those_of_the_synthesis(config):
    """A w of its own for every layer, and which of them each modulation is given."""
    network, steered = built(config), {}
    styled = [layer for layer in layers_of(config) if layer.style is not None]
    for layer in styled:

        def hook(module, inputs, out, name=layer.name):
            steered[name] = inputs[1]

        module = network.get_submodule(layer.name)
        (module.conv if layer.kind == "styled" else module).register_forward_hook(hook)
    w = torch.randn(1, config.style_layers, config.style_dim)
    pairs = network.noise_features(w, torch.Generator())
    network.generator.synthesize(w, pairs)
    for layer in styled:
        assert torch.equal(steered[layer.name], w[:, layer.style]), layer
    assert {layer.style for layer in styled} == set(range(config.style_layers))


@settings(max_examples=20)
@given(configs())
def test_layers_read_what_was_computed_before_them(config):
    known, joined = {PICTURES: 3, NOISE: None}, config.joined
    for layer in layers_of(config):
        assert all(name in known for name in layer.reads), layer
        if layer.reads and layer.kind not in ("linear",):
            assert known[layer.reads[0]] == layer.inputs, layer
        known[layer.name] = layer.outputs * (joined if layer.kind == "styled" else 1)
    assert layer.name == f"generator.to_rgbs.{config.levels - 2}"  # the last one is the picture


@pytest.mark.parametrize("concatenate", [True, False])
def test_a_map_is_read_where_changing_it_changes_the_result(concatenate):
    """Each layer's result is doubled in turn: those that read it, and no layer before, see another input."""
    config = GpenConfig(16, 32, (3, 4, 5, 6), style_dim=4, mapping_layers=2, concatenate=concatenate)
    network = built(config)
    for name, value in network.named_parameters():
        if name.endswith("noise.weight"):
            value.fill_(0.5)
    layers = layers_of(config)
    plain = inputs_of(network, None)
    for index, layer in enumerate(layers):
        changed = inputs_of(network, layer.name)
        for reader in layers[: index + 1]:
            assert not differs(plain[reader.name], changed[reader.name]), (reader.name, layer.name)
        for reader in layers[index + 1 :]:
            if layer.name in reader.reads:
                assert differs(plain[reader.name], changed[reader.name]), (reader.name, layer.name)


def inputs_of(network, doubled):
    """What each layer is given, the result of one of them doubled."""
    given, handles = {layer.name: [] for layer in layers_of(network.config)}, []
    for layer in layers_of(network.config):

        def before(module, inputs, name=layer.name):
            given[name] += [value.clone() for value in inputs if isinstance(value, torch.Tensor)]

        def after(module, inputs, out, name=layer.name):
            return 2 * out if name == doubled else out

        module = network.get_submodule(layer.name)
        styled = layer.kind == "styled"  # the generator runs its two halves one by one
        first = [module.conv, module.noise] if styled else [module]
        handles += [part.register_forward_pre_hook(before) for part in first]
        handles.append((module.activate if styled else module).register_forward_hook(after))
    network(torch.ones(1, 3, 16, 16) / 2)
    for handle in handles:
        handle.remove()
    return given


def differs(one, other):
    return any(not torch.equal(first, second) for first, second in zip(one, other, strict=True))


def test_the_published_2048_model_is_listed_as_its_file_has_it(golden):
    shapes = json.loads((golden / "state_dict_2048.json").read_text())
    config = GpenConfig.published(2048)
    for layer in layers_of(config):
        assert shapes[layer.weight] == weight_shape(layer, config)
    assert {key for key in shapes if key.startswith(tuple(f"{layer.name}." for layer in layers_of(config)))} == set(
        shapes
    )


def test_the_maps_of_the_levels():
    levels = maps_of(GpenConfig(16, 32, (3, 4, 5, 6), style_dim=4))
    assert [(level.side, level.channels, level.joined, level.encoded) for level in levels] == [
        (4, 3, 6, True),
        (8, 4, 8, True),
        (16, 5, 10, True),
        (32, 6, 12, False),
    ]
    assert levels[1].elements == 4 * 64 and levels[1].joined_elements == 8 * 64
