# The files beside a document, lent to it: they lie in the working folder while it runs, and those
# it did not change are gone when the session is stored. What a document writes is the session's,
# never the package's.

largest_copy <- 8 * 1024^2   # bytes; larger files are linked, to be read
most_neighbours <- 2000L
kept_by_r <- c("DESCRIPTION", "INDEX", "MD5", "NAMESPACE", "Meta", "R", "help", "html", "libs")

# The names of what was lent, with the times that tell whether they were changed. An upload of the
# same name stays: it takes the place of the file.
lend_neighbours <- function(folder, document) {
  names <- list.files(folder, recursive = TRUE)
  top <- sub("/.*", "", names)
  if (file.exists(file.path(folder, "Meta", "package.rds"))) names <- names[!top %in% kept_by_r]
  names <- setdiff(names, c(document, "DESCRIPTION"))
  names <- utils::head(names[!file.exists(names)], most_neighbours)
  folders <- setdiff(unique(dirname(names)), ".")
  made <- folders[!dir.exists(folders)]
  for (path in made) dir.create(path, recursive = TRUE)
  for (name in names) lend(file.path(folder, name), name)
  list(names = names, times = file.mtime(names), sizes = file.size(names))
}

lend <- function(path, name) {
  if (file.size(path) > largest_copy) return(file.symlink(path, name))
  file.copy(path, name, copy.date = TRUE)
}

return_neighbours <- function(lent) {
  same <- file.exists(lent$names) & file.mtime(lent$names) == lent$times &
    file.size(lent$names) == lent$sizes
  unlink(lent$names[same %in% TRUE])
  folders <- unique(dirname(lent$names))
  for (path in folders[order(nchar(folders), decreasing = TRUE)]) remove_empty(path)
}

# A folder, and those above it, as long as nothing is in them.
remove_empty <- function(path) {
  is_empty <- function(path) !length(list.files(path, all.files = TRUE, no.. = TRUE))
  while (path != "." && dir.exists(path) && is_empty(path)) {
    unlink(path, recursive = TRUE)
    path <- dirname(path)
  }
}
