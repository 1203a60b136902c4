# Drawing: recorded plots replayed, or objects printed, onto a device that writes a file.

show_drawing <- function(object) {
  if (is_plot(object)) {
    grDevices::replayPlot(object)
  } else {
    print(object)
  }
}

draw_plot <- function(plot, format, name, options) {
  draw(function() grDevices::replayPlot(plot), format, name, read_options(options))
}

# A picture of more dots than this would take all the memory of the call, and its reader's too.
most_pixels <- 64e6

refuse_size <- function(width, height, units = "px", res = NA, ...) {
  inch <- if (is.numeric(res) && isTRUE(res > 0)) res else 72
  dots <- switch(as.character(units), "in" = inch, cm = inch / 2.54, mm = inch / 25.4, 1)
  if (isTRUE(as.numeric(width) * as.numeric(height) * dots^2 > most_pixels)) {
    refuse(paste0("This picture is too large: width times height may be ", most_pixels / 1e6,
                  " million pixels."), "too_large")
  }
}

png <- grDevices::png
svg <- grDevices::svg
pdf <- grDevices::pdf

# What opens a device on a file, given the options. The calls read as OpenCPU's in R's messages.
devices <- list(
  png = function(mytmp) function(width = 800, height = 600, pointsize = 12, ...) {
    refuse_size(width, height, ...)
    png(file = mytmp, width = as.numeric(width), height = as.numeric(height),
        pointsize = as.numeric(pointsize), ...)
  },
  svg = function(mytmp) function(width = 11.69, height = 8.27, pointsize = 12, ...) {
    svg(file = mytmp, width = as.numeric(width), height = as.numeric(height),
        pointsize = as.numeric(pointsize), ...)
  },
  svglite = function(mytmp) function(width = 11.69, height = 8.27, pointsize = 12, ...) {
    svglite::svglite(file = mytmp, width = as.numeric(width), height = as.numeric(height),
                     pointsize = as.numeric(pointsize), ...)
  },
  pdf = function(mytmp) function(width = 11.69, height = 8.27, paper = "A4r", pointsize = 12, ...) {
    pdf(file = mytmp, width = as.numeric(width), height = as.numeric(height), paper = paper,
        pointsize = as.numeric(pointsize), ...)
  }
)

drawing_types <- c(png = "image/png", svg = "image/svg+xml", svglite = "image/svg+xml",
                   pdf = "application/pdf")

# `paint` is called once with the device open; printed text is thrown away.
draw <- function(paint, format, name, options) {
  refuse_places(options)
  extension <- if (format == "svglite") "svg" else format
  bytes <- written(function(path) {
    before <- grDevices::dev.list()
    on.exit(for (device in setdiff(grDevices::dev.list(), before)) grDevices::dev.off(device))
    do.call(devices[[format]](path), options)
    utils::capture.output(paint())
  }, paste0(".", extension))
  if (!length(bytes)) refuse("This call did not generate any plot. Make sure the function/object produces a graph.",
                              "no_graphics")
  list(body = bytes, type = unname(drawing_types[format]),
       file = if (format == "pdf") paste0(name, ".pdf"))
}
