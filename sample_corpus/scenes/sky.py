"""Paints skies, clouds, weather and the light of the hour."""

from random import Random

import numpy as np
from PIL import Image, ImageDraw

from .canvas import Canvas, noise
from .colours import RGB, jitter, mix

SKIES: dict[str, list[tuple[RGB, RGB]]] = {
    "day": [((92, 158, 226), (206, 230, 246)), ((110, 176, 232), (224, 238, 244))],
    "grey": [((146, 156, 170), (208, 212, 216)), ((128, 140, 156), (190, 198, 206))],
    "sunset": [((96, 88, 160), (252, 176, 108)), ((178, 98, 128), (254, 206, 120))],
    "night": [((8, 12, 40), (44, 58, 108)), ((14, 10, 46), (60, 52, 112))],
}


def ramp(canvas: Canvas, y0: float, y1: float, top: RGB, bottom: RGB) -> None:
    """Fills a band of the picture with a vertical gradient; y as a share of the height."""
    a, b = round(y0 * canvas.height), round(y1 * canvas.height)
    if b <= a:
        return
    t = np.linspace(0, 1, b - a)[:, None, None]
    column = np.array(top) * (1 - t) + np.array(bottom) * t
    strip = Image.fromarray(column.round().astype(np.uint8))
    canvas.rgb.paste(strip.resize((canvas.width, b - a)), (0, a))


def paint_sky(canvas: Canvas, rng: Random, hour: str, weather: str, horizon: float) -> RGB:
    """Paints the sky down to the horizon and returns its colour there."""
    mood = "grey" if hour == "day" and weather != "clear" else hour
    top, low = rng.choice(SKIES[mood])
    top, low = jitter(top, rng), jitter(low, rng)
    ramp(canvas, 0, horizon + 0.02, top, low)
    if hour == "night":
        pen = ImageDraw.Draw(canvas.rgb)
        for _ in range(rng.randint(60, 110)):
            x, y = rng.uniform(0, canvas.width), rng.uniform(0, horizon * canvas.height)
            s = canvas.height * rng.choice([0.001, 0.0016, 0.0026])
            pen.ellipse((x - s, y - s, x + s, y + s), fill=(244, 240, 214))
    elif mood == "grey" or rng.random() < 0.75:
        tone = {"day": (255, 255, 255), "grey": (222, 226, 232), "sunset": (255, 214, 180)}[mood]
        for _ in range(rng.randint(6, 9) if mood == "grey" else rng.randint(1, 4)):
            cloud(canvas, rng, rng.uniform(0, 1.33), rng.uniform(0.02, horizon * 0.6), tone)
    return low


def cloud(canvas: Canvas, rng: Random, x: float, y: float, tone: RGB) -> None:
    """Adds one soft cloud about (x, y), in units of the height."""
    h, wide = canvas.height, rng.uniform(0.1, 0.22)
    for _ in range(8):
        dx, dy = rng.uniform(-1, 1) * wide, rng.uniform(-0.3, 0.2) * wide
        s = wide * rng.uniform(0.35, 0.6) * (1.1 - abs(dx) / wide * 0.6)
        shade = mix(tone, (120, 130, 150), 0.12 if dy > 0 else 0)
        canvas.spot((x + dx) * h, (y + dy) * h, s * h * 1.2, s * h * 0.75, shade, 0.75)


def weather_veil(canvas: Canvas, rng: Random, weather: str) -> None:
    """Draws falling rain or snow over the whole picture."""
    w, h = canvas.width, canvas.height
    if weather == "rain":
        layer = Image.new("L", (w, h), 0)
        pen = ImageDraw.Draw(layer)
        slant = rng.uniform(-0.03, 0.03)
        for _ in range(230):
            x, y, n = (
                rng.uniform(-0.05, 1.05) * w,
                rng.uniform(-0.05, 1) * h,
                rng.uniform(0.03, 0.06),
            )
            end = (x + slant * h, y + n * h)
            pen.line([(x, y), end], fill=rng.randint(70, 150), width=max(1, round(h * 0.003)))
        canvas.rgb.paste((226, 234, 244), (0, 0), layer)
    elif weather == "snowfall":
        pen = ImageDraw.Draw(canvas.rgb)
        for _ in range(190):
            x, y = rng.uniform(0, w), rng.uniform(0, h)
            s = h * rng.choice([0.0025, 0.004, 0.006])
            pen.ellipse((x - s, y - s, x + s, y + s), fill=(250, 252, 255))


def tint(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """Colours the whole picture by its hour, adds grain and a faint vignette."""
    gain = {"day": (1.0, 1.0, 1.0), "sunset": (1.05, 0.96, 0.86), "night": (0.86, 0.88, 1.0)}[hour]
    level = rng.uniform(0.94, 1.04) * (0.94 if weather in ("rain", "cloudy") else 1.0)
    table: list[int] = []
    for g in gain:
        table += [min(255, round(v * g * level)) for v in range(256)]
    canvas.rgb = canvas.rgb.point(table)
    x, y = rng.randint(0, 200), rng.randint(0, 200)
    grain = noise("grain").crop((x, y, x + 312, y + 234)).resize((canvas.width, canvas.height))
    light_map = np.asarray(grain, np.int16)[:, :, None] - 128
    picture = np.asarray(canvas.rgb, np.int16) + (light_map * 0.35).astype(np.int16)
    canvas.rgb = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
