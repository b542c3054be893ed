/* The entry: every page loads this one module, and each part looks for its own markup. */

import "./morph.js";
import "./time.js";
import "./live.js";
import "./hover.js";
import "./dialog.js";
import "./select.js";
import "./grid.js";
import "./place.js";
import "./player.js";
import "./copy.js";
import "./toast.js";
import "./paste.js";
import "./menu.js";
import "./row.js";
import "./make.js";
import "./news.js";
