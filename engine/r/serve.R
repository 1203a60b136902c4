# The operations a child is asked for, by name. Each takes the request as a list and returns a list;
# whatever goes wrong comes back as list(error, kind), never as an R error at top level.

operations <- list(
  evaluate = function(request) evaluate_request(request),
  script = function(request) {
    attach_owner(request$script, request$package)
    evaluate_script(request)
  },
  rows = function(request) evaluate_rows(request),
  save_killed = function(request) save_killed(request),
  render_object = function(request) {
    render(find_object(request$package, request$name), request$name, request$format, request$options,
           home = find_package(request$package))
  },
  render_data = function(request) {
    render(find_data(request$package, request$name), request$name, request$format, request$options,
           home = find_package(request$package))
  },
  render_session_object = function(request) {
    label <- if (is.null(request$as)) request$name else request$as
    render(session_object(request$session_key, request$name), label, request$format, request$options,
           home = session_path(request$session_key))
  },
  render_value = function(request) {
    value <- readRDS(file.path(request$folder, ".value"))
    render(value, request$name, request$format, request$options)
  },
  render_session_info = function(request) {
    information <- readRDS(file.path(session_path(request$session_key), ".RInfo"))
    render(information, "sessionInfo", request$format, request$options)
  },
  render_session_plot = function(request) {
    output <- readRDS(file.path(session_path(request$session_key), ".REval"))
    plots <- Filter(is_plot, output)
    render(plots[[request$index]], paste0(request$session_key, "_plot", request$index),
           request$format, request$options)
  },
  render_last_plot = function(request) {
    output <- readRDS(file.path(session_path(request$session_key), ".REval"))
    plots <- Filter(is_plot, output)
    if (!length(plots)) refuse("Function call did not generate any graphics", "no_graphics")
    draw_plot(plots[[length(plots)]], request$format, "output", request$options)
  },
  render_console = function(request) {
    output <- readRDS(file.path(session_path(request$session_key), ".REval"))
    as_text(paste(clean(as.character(lapply(output, console_text))), collapse = "\n"))
  },
  render_pieces = function(request) {
    pieces <- unlist(request$pieces)
    object <- if (request$section == "console") as.character(pieces) else as.list(pieces)
    render(object, request$section, request$format, request$options)
  },
  find_object = function(request) list(found = !is.null(class(find_object(request$package, request$name)))),
  find_data = function(request) list(found = !is.null(class(find_data(request$package, request$name)))),
  find_package = function(request) list(path = find_package(request$package)),
  list_packages = function(request) list(names = list_packages()),
  list_objects = function(request) list(names = list_objects(request$package)),
  list_data = function(request) list(names = list_data(request$package)),
  list_topics = function(request) list(names = list_topics(request$package)),
  find_topic = function(request) list(topic = find_topic(request$package, request$topic)),
  render_topic = function(request) {
    render_topic(request$package, request$topic, request$format, request$place, request$library_url)
  },
  render_index = function(request) render_index(request$package),
  doc_folder = function(request) list(path = R.home("doc")),
  package_information = function(request) list(text = package_information(request$package)),
  describe_function = function(request) {
    list(formals = describe_function(request$package, request$name))
  },
  check_code = function(request) {
    list(problems = lapply(request$texts, code_problem))
  },
  package_version = function(request) {
    find_package(request$package)
    list(version = as.character(utils::packageVersion(request$package, settings$library)))
  },
  server_information = function(request) list(text = printed(print(utils::sessionInfo())))
)

most_warnings <- 50L   # that an error brings

serve <- function(request) {
  connections <- getAllConnections()
  on.exit(close_connections(connections))
  failure <- NULL
  warned <- character()
  # Rows have no session that would tell of these: the transcript does, and an error brings them.
  tell_rows <- function(condition) if (identical(request$operation, "rows")) tell_part(condition)
  answer <- withCallingHandlers(
    tryCatch({
      use_library(request$library)
      settings$hidden <- unlist(request$hidden)
      operations[[request$operation]](request)
    }, error = function(e) {
      list(error = if (is.null(failure)) error_text(e) else failure,
           message = whole_message(e), kind = if (is.null(e$kind)) "r_error" else e$kind,
           limit = limit_behind(e), warnings = as.list(warned))
    }, interrupt = function(i) {   # it printed too much where it is not evaluated, but rendered
      list(error = limit_words("output"), message = "", kind = "r_error",
           limit = list(name = "output", said = ""))
    }),
    # Code that says options(warn = 2) wants its warnings to become errors.
    warning = function(w) {
      if (getOption("warn") >= 2L) return()
      tell_rows(w)
      if (length(warned) < most_warnings) warned <<- c(warned, whole_message(w))
      tryInvokeRestart("muffleWarning")
    },
    message = function(m) {
      tell_rows(m)
      tryInvokeRestart("muffleMessage")
    }
  )
  answer
}

# Closes those that the request left open, or R would do it in a later one, and warn there. The end of
# what a pipe runs is not waited for.
close_connections <- function(others) {
  for (number in setdiff(getAllConnections(), others)) {
    connection <- getConnection(number)
    if (!inherits(connection, "pipe")) suppressWarnings(try(close(connection), silent = TRUE))
  }
}

# What the base does once: the packages that every call uses.
prepare <- function(preload) {
  options(device = screen_device, browser = "false", pager = "cat", menu.graphics = FALSE,
          warn = 0L, useFancyQuotes = FALSE, bitmapType = "cairo", keep.source = FALSE,
          stringsAsFactors = FALSE, papersize = "a4",
          try.outFile = stdout())   # else what try() says would be lost
  Sys.setenv(R_PAPERSIZE = "a4")
  for (package in c("jsonlite", "tools", preload)) loadNamespace(package)
  requireNamespace("rlang", quietly = TRUE)
  use_compiled_methods()
}

# What every child has from now on, whatever else its parent loads.
remember_packages <- function() {
  settings$everywhere <- loadedNamespaces()
  as.list(settings$everywhere)
}

# As a call of one of its functions would.
load_package <- function(package) attach_package(package)

# Where code draws unless it opens a device itself: nowhere, on paper of the size that plots have
# as PDF. What size the code asks for does not count, as in OpenCPU.
screen_device <- function(file, width, height, paper, ...) {
  grDevices::pdf(NULL, width = 11.69, height = 8.27, paper = "A4r", ...)
  grDevices::dev.control("enable")
  graphics::par(bg = "white")
}

warm <- function(folder) {
  old <- getwd()
  on.exit(setwd(old))
  serve(list(operation = "evaluate", package = "stats", name = "rnorm", folder = folder,
             arguments = list(list(name = "n", kind = "code", value = "3")),
             outputs = list(list(label = "json", format = "json", options = list())), live = TRUE))
  serve(list(operation = "evaluate", package = "base", name = "identity", folder = folder,
             body = list(kind = "json", value = "{\"x\": [{\"a\": 1}]}"), arguments = list(),
             outputs = list(list(label = "csv", format = "csv", options = list()))))
  serve(list(operation = "evaluate", package = "base", name = "stop", folder = folder,
             arguments = list(list(name = "...", kind = "code", value = "'x'")), outputs = list()))
  if (isNamespaceLoaded("tibble")) {   # how it prints is looked up bit by bit
    serve(list(operation = "evaluate", package = "tibble", name = "tibble", folder = folder,
               arguments = list(list(name = "x", kind = "code", value = "1.5")), outputs = list()))
  }
  # Text on a cairo device starts a font thread the first time: before any fork, not after.
  draw(function() { graphics::plot(1:3, main = "text") }, "png", "warm", list())
  open_screen()
  unlink(list.files(folder, all.files = TRUE, no.. = TRUE, full.names = TRUE))
  suppressWarnings(rm(".Random.seed", envir = globalenv()))
  remember_state()
  remember_information()   # last: calls, and errors more so, load packages that they need
  invisible(gc())
}

# What a spare child does while nobody waits: the first call in a fresh process pays for a thousand
# pages copied from the parent, and this pays for them ahead.
warm_child <- function() {
  folder <- file.path(tempdir(), "warm")
  dir.create(folder)
  serve(list(operation = "evaluate", package = "stats", name = "rnorm", folder = folder,
             arguments = list(list(name = "n", kind = "code", value = "3")),
             outputs = list(list(label = "json", format = "json", options = list())), live = TRUE))
  forget_live()
  setwd(tempdir())
  unlink(folder, recursive = TRUE)
  suppressWarnings(rm(".Random.seed", envir = globalenv()))
}

# Where R lies: what a call may read.
r_places <- function() {
  list(home = R.home(), libraries = as.list(.libPaths()), temporary = tempdir())
}

# What the server says of its R.
describe_r <- function() {
  list(version = R.version.string, locale = Sys.getlocale("LC_COLLATE"),
       libraries = as.list(.libPaths()),
       user_library = sub(path.expand("~"), "~", Sys.getenv("R_LIBS_USER"), fixed = TRUE))
}
