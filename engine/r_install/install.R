# Installs one source package and what it needs into a library of its own. Run by engine/install_r.py;
# what to do comes in environment variables, what was done goes line by line to LARDER_ANSWER.

given <- function(name) Sys.getenv(paste0("LARDER_", name))
library_folder <- given("LIBRARY")
work_folder <- given("WORK")

say <- function(...) {
  text <- gsub("[\t\r\n]+", " ", enc2utf8(c(...)))
  cat(text, file = given("ANSWER"), sep = "\t", append = TRUE)
  cat("\n", file = given("ANSWER"), append = TRUE)
}

give_up <- function(kind, ...) {
  say("failed", kind, paste0(...))
  quit(save = "no", status = 1L)
}

quoted <- function(names) paste0("'", names, "'", collapse = ", ")

# The repositories of packages: as told, else as R itself is set.
find_repositories <- function() {
  cran <- if (nzchar(given("CRAN"))) c(CRAN = given("CRAN")) else unlist(getOption("repos"))
  found <- c(if (given("SOURCE") == "bioc") find_bioconductor(), cran)
  found <- found[nzchar(found) & found != "@CRAN@"]
  local <- startsWith(found, "/")
  found[local] <- paste0("file://", found[local])
  found
}

find_bioconductor <- function() {
  if (nzchar(given("BIOC"))) return(c(BioCsoft = given("BIOC")))
  table <- utils::read.delim(file.path(R.home("etc"), "repositories"), comment.char = "#")
  old <- options(repos = getOption("repos"))
  on.exit(options(old))
  utils::setRepositories(ind = match("BioCsoft", rownames(table)))
  getOption("repos")["BioCsoft"]
}

# What the repositories offer, a row per package; read when first needed.
read_index <- function(repositories) {
  if (!length(repositories)) {
    give_up("no_repository", "no repository of R packages is known: set install.cran_url in larder.yaml")
  }
  silent <- character()
  notice <- function(w) {
    silent <<- c(silent, conditionMessage(w))
    message(conditionMessage(w))
    invokeRestart("muffleWarning")
  }
  index <- tryCatch(
    withCallingHandlers(utils::available.packages(repos = repositories, type = "source"), warning = notice),
    error = function(e) give_up("unreachable", "the repository cannot be read: ", conditionMessage(e))
  )
  attr(index, "silent") <- any(grepl("unable to access index", silent, fixed = TRUE))
  index
}

offered <- local({
  index <- NULL
  function() {
    if (is.null(index)) index <<- read_index(repositories)
    index
  }
})

where <- function() paste(sub("/src/contrib$", "", repositories), collapse = ", ")

# Fetches the current version of a package; says so and ends if that is the one already there.
fetch_package <- function(name) {
  own <- if (given("SOURCE") == "bioc") repositories["BioCsoft"] else repositories
  index <- if (identical(own, repositories)) offered() else read_index(own)
  if (!name %in% rownames(index)) {
    if (attr(index, "silent")) give_up("unreachable", "the repository cannot be read: ", where())
    give_up("not_found", "there is no package '", name, "' for this version of R at ", where())
  }
  row <- index[name, ]
  say("origin", sub("/src/contrib.*$", "", row[["Repository"]]))
  if (identical(row[["Version"]], given("CURRENT"))) {
    say("unchanged")
    quit(save = "no")
  }
  fetched <- tryCatch(
    utils::download.packages(name, work_folder, available = index, type = "source"),
    error = function(e) give_up("unreachable", "'", name, "' could not be fetched: ", conditionMessage(e))
  )
  if (!nrow(fetched)) give_up("unreachable", "'", name, "' could not be fetched from ", where())
  say("archive", fetched[1L, 2L])
  utils::untar(fetched[1L, 2L], files = file.path(name, "DESCRIPTION"), exdir = work_folder)
  list(archive = fetched[1L, 2L], description = file.path(work_folder, name, "DESCRIPTION"))
}

# Packs a checked-out source folder, as .Rbuildignore says and without its vignettes.
build_package <- function(folder) {
  setwd(work_folder)
  options <- c("--no-build-vignettes", "--no-manual", "--no-resave-data")
  status <- system2(r, c("CMD", "build", options, shQuote(folder)))
  if (status != 0L) give_up("build", "the package could not be packed")
  file.path(work_folder, list.files(work_folder, "\\.tar\\.gz$"))
}

# name, relation and version of what the fields of a DESCRIPTION ask for.
requirements <- function(fields) {
  fields <- fields[!is.na(fields)]
  texts <- trimws(unlist(strsplit(unname(fields), ",")))
  pattern <- "^([A-Za-z][A-Za-z0-9.]*)[[:space:]]*(\\([[:space:]]*([<>=!]+)[[:space:]]*([0-9.-]+)[[:space:]]*\\))?$"
  parts <- regmatches(texts, regexec(pattern, texts))
  parts <- parts[lengths(parts) > 0L]
  data.frame(name = vapply(parts, `[`, "", 2L), relation = vapply(parts, `[`, "", 4L),
             version = vapply(parts, `[`, "", 5L))
}

fields_of_need <- c("Depends", "Imports", "LinkingTo")

satisfies <- function(have, relation, version) {
  !nzchar(relation) || match.fun(relation)(package_version(have), package_version(version))
}

installed_version <- function(name) {
  path <- find.package(name, lib.loc = .libPaths(), quiet = TRUE)
  if (!length(path)) return(NULL)
  tryCatch(as.character(utils::packageVersion(name, dirname(path[1L]))), error = function(e) NULL)
}

# The packages to install, all the way down, where what is there does not do.
plan_needs <- function(needs) {
  plan <- lacking <- character()
  own <- rownames(utils::installed.packages(.Library, priority = "base"))
  while (nrow(needs)) {
    need <- needs[1L, ]
    needs <- needs[-1L, ]
    if (need$name %in% c("R", own)) next
    have <- installed_version(need$name)
    if (!is.null(have) && satisfies(have, need$relation, need$version)) next
    found <- need$name %in% rownames(offered())
    if (!found || !satisfies(offered()[need$name, "Version"], need$relation, need$version)) {
      lacking <- c(lacking, trimws(paste(need$name, need$relation, need$version)))
    } else if (!need$name %in% plan) {
      plan <- c(plan, need$name)
      needs <- rbind(needs, requirements(offered()[need$name, fields_of_need]))
    }
  }
  if (length(lacking)) refuse_lacking(unique(lacking))
  plan
}

refuse_lacking <- function(lacking) {
  if (attr(offered(), "silent")) {
    give_up("unreachable", "it needs ", quoted(lacking), ", and the repository cannot be read: ", where())
  }
  give_up("lacking", "it needs ", quoted(lacking), ", which this machine and ", where(),
          " do not have: install it on this machine first, or set install.cran_url in larder.yaml")
}

install_needs <- function(plan) {
  if (!length(plan)) return(invisible())
  utils::install.packages(plan, lib = library_folder, repos = repositories, type = "source",
                          dependencies = FALSE, available = offered(), quiet = FALSE)
  failed <- plan[!file.exists(file.path(library_folder, plan, "DESCRIPTION"))]
  if (length(failed)) give_up("build", "it needs ", quoted(failed), ", which could not be installed")
}

# R loads it once to see whether that works, so the lazy help and all else of it are there.
install_archive <- function(archive, name) {
  status <- system2(r, c("CMD", "INSTALL", "--no-multiarch", shQuote(paste0("--library=", library_folder)),
                         shQuote(archive)))
  if (status != 0L || !file.exists(file.path(library_folder, name, "DESCRIPTION"))) {
    give_up("build", "R could not install '", name, "'")
  }
}

check_loads <- function(name) {
  tryCatch(suppressPackageStartupMessages(loadNamespace(name, lib.loc = .libPaths())),
           error = function(e) give_up("build", "'", name, "' was installed and does not load: ",
                                       conditionMessage(e)))
}

read_description <- function(file) {
  if (!file.exists(file)) give_up("no_description", "there is no DESCRIPTION, so it is no R package")
  description <- tryCatch(read.dcf(file)[1L, ], error = function(e) {
    give_up("no_description", "its DESCRIPTION cannot be read: ", conditionMessage(e))
  })
  name <- description["Package"]
  if (is.na(name) || !grepl("^[A-Za-z][A-Za-z0-9.]*[A-Za-z0-9]$", name)) {
    give_up("no_description", "its DESCRIPTION does not say what the package is called")
  }
  if (name %in% rownames(utils::installed.packages(.Library, priority = "base"))) {
    give_up("no_description", "it is called '", name, "', as a package of R itself is")
  }
  description
}

options(warn = 1L, timeout = max(300, getOption("timeout")), menu.graphics = FALSE)
r <- file.path(R.home("bin"), "R")
repositories <- find_repositories()
from <- if (nzchar(given("CHECKOUT"))) {
  list(description = file.path(given("CHECKOUT"), "DESCRIPTION"))
} else {
  fetch_package(given("NAME"))
}
description <- read_description(from$description)
name <- description[["Package"]]
needs <- description[intersect(fields_of_need, names(description))]
install_needs(plan_needs(requirements(needs)))
archive <- if (is.null(from$archive)) build_package(given("CHECKOUT")) else from$archive
install_archive(archive, name)
check_loads(name)
say("package", name)
for (each in list.files(library_folder)) {
  say("has", each, as.character(utils::packageVersion(each, library_folder)))
}
