"""ICC profiles for tests: of curves and matrices, of tables, of gray and of inks."""

import struct

import numpy as np

SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
REC2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
PROPHOTO = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)


def xyz(point):
    return np.array([point[0] / point[1], 1, (1 - sum(point)) / point[1]])


def to_d50(primaries, white):
    """Bradford, as in Lindbloom's notes."""
    columns = np.array([xyz(point) for point in primaries]).T
    matrix = columns * np.linalg.solve(columns, xyz(white))
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = (cones @ np.array([0.9642, 1, 0.8249])) / (cones @ xyz(white))
    return np.linalg.inv(cones) @ np.diag(scale) @ cones @ matrix


def s15(*values):
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def gamma_curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def srgb_curve():
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + s15(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile(tags, space=b"RGB ", pcs=b"XYZ ", kind=b"mntr"):
    """An ICC profile of version 4 with these tags."""
    text = "x".encode("utf-16-be")
    mluc = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(text), 28) + text
    tags = {b"desc": mluc, b"cprt": mluc, b"wtpt": b"XYZ \0\0\0\0" + s15(0.9642, 1, 0.8249), **tags}
    at, rows, data = 128 + 4 + 12 * len(tags), [], b""
    for name, body in tags.items():
        rows.append(struct.pack(">4sII", name, at + len(data), len(body)))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(data), b"none", 0x04200000, kind, space, pcs)
    head += bytes(12) + b"acsp" + bytes(28) + s15(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + b"".join(rows) + data


def matrix_profile(primaries, white, curve):
    columns = to_d50(primaries, white).T
    colors = {
        name: b"XYZ \0\0\0\0" + s15(*column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
    }
    return profile({**colors, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def lab_profile():
    """A profile of tables: colors are 1 − colors, by a grid of two steps to Lab … as Little CMS reads it."""
    grid = b""
    for red in (0, 1):
        for green in (0, 1):
            for blue in (0, 1):
                grid += struct.pack(
                    ">3H",
                    round((red + green + blue) / 3 * 65280),
                    32896 + 3000 * (red - green),
                    32896 + 3000 * (green - blue),
                )
    identity = s15(1, 0, 0, 0, 1, 0, 0, 0, 1)
    linear = struct.pack(">2H", 0, 65535)
    lut = b"mft2\0\0\0\0" + bytes((3, 3, 2, 0)) + identity + struct.pack(">HH", 2, 2) + linear * 3 + grid + linear * 3
    return profile({b"A2B0": lut}, pcs=b"Lab ", kind=b"scnr")


def cmyk_profile(*, leads_back=True):
    """Inks whose light is (1 − C)(1 − K) of each channel, in a Lab of its own; back with as much black as there can be."""
    steps, sides = np.linspace(0, 1, 9), np.linspace(0, 1, 33)
    inks = np.stack(np.meshgrid(steps, steps, steps, steps, indexing="ij"), -1)
    light = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    red, green, blue = np.moveaxis(light, -1, 0)
    lab = np.stack((light.mean(-1), 0.5 + (red - green) / 4, 0.5 + (green - blue) / 4), -1)
    tags = {b"A2B0": lut16(4, 3, 9, lab)}
    if leads_back:
        mean, red_green, green_blue = np.moveaxis(np.stack(np.meshgrid(sides, sides, sides, indexing="ij"), -1), -1, 0)
        red_green, green_blue = (red_green * 65535 / 65280 - 0.5) * 4, (green_blue * 65535 / 65280 - 0.5) * 4
        green = mean * 65535 / 65280 - (red_green - green_blue) / 3
        rgb = np.stack((green + red_green, green, green - green_blue), -1).clip(0, 1)
        most = rgb.max(-1, keepdims=True)
        tags[b"B2A0"] = lut16(3, 4, 33, np.concatenate((1 - rgb / most.clip(1e-6), 1 - most), -1), highest=65535)
    return profile(tags, space=b"CMYK", pcs=b"Lab ", kind=b"prtr")


def lut16(inputs, outputs, side, grid, highest=65280):
    """A table of 16 bits (ICC.1:2022, 10.10), whose Lab has 100 % at 65280."""
    linear = struct.pack(">2H", 0, 65535)
    head = (
        b"mft2\0\0\0\0" + bytes((inputs, outputs, side, 0)) + s15(1, 0, 0, 0, 1, 0, 0, 0, 1) + struct.pack(">HH", 2, 2)
    )
    numbers = (grid.clip(0, 1) * highest).round().astype(">u2").tobytes()
    return head + linear * inputs + numbers + linear * outputs
