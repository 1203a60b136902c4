# The plots that code draws, kept as the package evaluate keeps them: as they are when the next page
# begins and when a statement ends, unless nothing but settings was added to what is kept already.

# devices and blank: what there is before code runs. seen: the device when it was last looked at;
# kept: when its plot was last kept; waiting: whether there may be more to see. page_ends: see below.
screen <- new.env(parent = emptyenv())

page_events <- c("before.plot.new", "before.grid.newpage", "persp")

# What is drawn without leaving a mark, by its names in R's display lists.
markless <- c("palette", "palette2", "C_layout", "C_par", "C_clip", "C_strWidth", "C_strHeight",
              "C_plot_window")

# The display list and the state of the device. recordPlot() asks the same, and then R for its
# version, which takes four times as long.
read_device <- local({
  snapshot <- NULL   # an address: it cannot be kept with the compiled functions
  function() {
    if (is.null(snapshot)) snapshot <<- grDevices:::C_getSnapshot
    .External2(snapshot)
  }
})

# The open devices; R changes its own list in place.
open_devices <- function() as.list(.Devices)

# Opens the device that code expects. One that was left blank serves the next call too, here and in
# every child that is forked.
open_screen <- function() {
  if (!identical(open_devices(), screen$devices)) {
    grDevices::graphics.off()
    screen_device()
    grDevices::dev.control("enable")   # forgets what it took to open it
    screen$devices <- open_devices()
    screen$blank <- read_device()
  }
  screen$seen <- screen$blank
  screen$kept <- NULL
  screen$waiting <- FALSE
}

# Also finishes the files of devices that code left open.
close_screen <- function() {
  screen$page_ends <- NULL
  blank <- identical(screen$seen, screen$blank) && !screen$waiting
  if (blank && identical(open_devices(), screen$devices)) return(invisible())
  grDevices::graphics.off()
  screen$devices <- NULL
}

# Has a function called when a page is about to end, until the screen is closed; code that has hooks
# of its own there has them called first.
watch_pages <- function(page_ends) {
  screen$page_ends <- page_ends
  if (identical(lapply(page_events, getHook), screen$hooks)) return(invisible())
  for (event in page_events) {
    others <- Filter(function(hook) !identical(hook, tell_page_ends), c(getHook(event)))
    setHook(event, c(others, tell_page_ends), "replace")
  }
  screen$hooks <- lapply(page_events, getHook)
}

tell_page_ends <- function(...) if (!is.null(screen$page_ends)) screen$page_ends()

# What was drawn on a device since it was last looked at, or NULL. A page with room for more plots is
# waited for, unless nothing follows. Another device is not looked at: the statement under way opened
# it for purposes of its own.
new_plot <- function(device, nothing_follows) {
  if (nothing_follows && !screen$waiting) return(NULL)
  screen$waiting <- TRUE
  if (device == 1L || grDevices::dev.cur() != device) return(NULL)
  now <- read_device()
  changed <- !identical(now, screen$seen)
  if (changed && !nothing_follows && !graphics::par("page")) return(NULL)
  screen$waiting <- FALSE
  if (!changed) return(NULL)
  screen$seen <- now
  if (identical(now, screen$kept) || !leaves_marks(now[[1L]], screen$kept[[1L]])) return(NULL)
  screen$kept <- now
  grDevices::recordPlot()
}

# Whether a display list has more to show than an earlier one.
leaves_marks <- function(display, earlier) {
  steps <- step_names(display)
  if (all(steps %in% markless)) return(FALSE)
  before <- step_names(earlier)
  known <- seq_along(before)
  continues <- length(before) > 0L && length(steps) > length(before) &&
    identical(steps[known], before) && identical(as.list(display)[known], as.list(earlier)[known])
  !continues || !all(steps[-known] %in% markless)
}

step_names <- function(display) {
  unlist(lapply(display, function(step) {
    done <- step[[2L]]
    if (is.list(done[[1L]])) return(done[[1L]]$name)
    name <- deparse(done[[1L]], nlines = 1L)
    if (!startsWith(name, "requireNamespace(") || length(done[[2L]])) name
  }))
}
