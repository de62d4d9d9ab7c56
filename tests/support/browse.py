"""Shows the page that the proxy serves to Servo, and prints what it finds there as one line of JSON.

Argument: where the picture goes. The address is one that no name server knows; the proxy answers for it.
"""

import json
import sys
from io import BytesIO

import servo_fetch
from PIL import Image

ADDRESS = "http://page.example/"

LOOK = """
JSON.stringify({
  title: document.title,
  text: document.body.innerText,
  scripts: document.querySelectorAll('script').length,
  images: document.querySelectorAll('img').length,
  bars: [...document.querySelectorAll('.bar')].map(bar => bar.getBoundingClientRect().width),
  first: (bar => [bar.left + scrollX, bar.top + scrollY, bar.width, bar.height])(
    document.querySelector('.stack').getBoundingClientRect()),
  stack: [...document.querySelectorAll('.stack span')].map(part => part.getBoundingClientRect().width),
  track: document.querySelector('.stack').getBoundingClientRect().width,
  tables: document.querySelectorAll('table').length,
  bare_tables: [...document.querySelectorAll('table')]
    .filter(table => !table.caption || !table.querySelector('th[scope=col]') || !table.querySelector('th[scope=row]'))
    .length,
  overflow: document.documentElement.scrollWidth > innerWidth,
})
"""

page = servo_fetch.fetch(ADDRESS, javascript=LOOK)
found = json.loads(page.js_result)
found["console"] = [[message.level, message.message] for message in page.console]

shown = servo_fetch.fetch(ADDRESS, screenshot=True)
picture = Image.open(BytesIO(shown.screenshot)).convert("RGB")
picture.save(sys.argv[1])
left, top, width, height = found["first"]
bar = picture.getpixel((int(left + width * 0.3), int(top + height / 2)))
corner = picture.getpixel((2, 2))
# How strongly the bar is coloured, the darkest channel of the page's ground.
found["painted"] = [max(bar), min(corner)]
print(json.dumps(found))
