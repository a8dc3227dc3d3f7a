"""Pictures as SVG, without a library: readable on a light and on a dark page."""
import html

STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11px; fill: #57606a }
.title { font-weight: 600 }
.axis { stroke: #8c959f; stroke-width: 1; fill: none }
.a { fill: #0969da; stroke: #0969da } .b { fill: #bc4c00; stroke: #bc4c00 } .c { fill: #8250df; stroke: #8250df }
.line { fill: none; stroke-width: 2 }
.pale { fill-opacity: .45 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9198a1 }
.a { fill: #4493f8; stroke: #4493f8 } .b { fill: #f0883e; stroke: #f0883e } .c { fill: #ab7df8; stroke: #ab7df8 }
}
rect.a, rect.b { stroke: none }
</style>"""
KINDS = "abc"


def svg(width, height, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">', STYLE, *parts, "</svg>", ""])


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>'


def bars(groups):
    """Groups of a title and bars; a bar is a name with CPU and wall seconds. Each group has its own scale."""
    left, room, parts, y = 270, 420, [], 20
    for title, rows in groups:
        parts.append(text(0, y, title, "title"))
        y += 12
        most = max(value for _, values in rows for value in values.values())
        for place, (name, values) in enumerate(rows):
            parts.append(text(left - 10, y + 20, name, anchor="end"))
            for kind, unit in (("cpu", "CPU s"), ("wall", "s wall")):
                width = max(1, values[kind] / most * room)
                pale = " pale" if kind == "wall" else ""
                parts.append(f'<rect x="{left}" y="{y}" width="{width:.1f}" height="13" class="{"ab"[place > 0]}{pale}"/>')
                parts.append(text(left + width + 6, y + 11, f"{values[kind]:.1f} {unit}", "small"))
                y += 15
            y += 8
        y += 22
    return svg(820, y, parts)


def lines(panels):
    """Panels side by side by name; each has lines by name, and a line points (records, value)."""
    width, height, left, top = 400, 220, 55, 40
    names = list(dict.fromkeys(name for lines_ in panels.values() for name in lines_))
    parts = []
    for place, (title, lines_) in enumerate(panels.items()):
        x0, y0 = place * width + left, top + height
        points = [point for line in lines_.values() for point in line]
        across = max((x for x, _ in points), default=1)
        up = round_up(max((y for _, y in points), default=1))
        parts.append(text(x0, 20, title, "title"))
        parts.append(f'<path class="axis" d="M{x0} {top}V{y0}H{x0 + width - left - 40}"/>')
        for step in range(5):
            value = up * step / 4
            parts.append(text(x0 - 6, y0 - height * step / 4 + 4, f"{value:g}", "small", "end"))
        for x in sorted({x for x, _ in points}):
            parts.append(text(x0 + x / across * (width - left - 40), y0 + 16, f"{x // 1000}k", "small", "middle"))
        for name, line in lines_.items():
            kind = KINDS[names.index(name)]
            at = [(x0 + x / across * (width - left - 40), y0 - y / up * height) for x, y in line]
            parts.append(f'<polyline class="{kind} line" style="fill:none" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in at)}"/>')
            parts += [f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in at]
    for place, name in enumerate(names):
        x, y = left + place * 250, top + height + 45
        parts.append(f'<circle class="{KINDS[place]}" cx="{x}" cy="{y - 4}" r="4"/>')
        parts.append(text(x + 10, y, name, "small"))
    return svg(2 * width + 20, top + height + 60, parts)


def round_up(value):
    """To four steps that are easy to read."""
    unit = 10 ** (len(str(int(value))) - 1)
    return next(step * unit for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12) if step * unit >= value)
