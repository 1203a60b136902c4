"""What R code may try against the server, its machine and its neighbours, and what it gets to see.

A word in `<>` stands for something of the fortress (tests/fortress.py); so do `kernel`, `weapon`,
`shell` and `crash`, which are R functions there. `kernel` makes a system call.
"""

import struct
from dataclasses import dataclass, field

from engine import wire
from engine.limits import Limits

MB = 2**20
NO_FILE = "cannot open|Permission denied|cannot be opened|EACCES"
NO_CALL = "refused: (EPERM|EACCES|ENOSYS)"
NO_SIGNAL = "done: FALSE|refused: (EPERM|ESRCH|EACCES)"


@dataclass(frozen=True)
class Attack:
    """R code, and a pattern for the line that comes of it."""

    name: str
    code: str
    seen: str
    limits: Limits = field(default_factory=Limits)


READING = [
    Attack("passwords", 'readLines("/etc/shadow")', NO_FILE),
    Attack("private_keys", 'kernel("openat", -100, "@/etc/ssl/private", 65536)', NO_CALL),
    Attack("home_of_root", 'kernel("openat", -100, "@/root", 65536)', NO_CALL),
    Attack("disk", 'kernel("openat", -100, "@/dev/mem", 0)', "EACCES|ENOENT"),
    Attack("settings_with_a_secret", 'readLines("<project>/larder.yaml")', NO_FILE),
    Attack("project_listing", 'kernel("openat", -100, "@<project>", 65536)', NO_CALL),
    Attack("catalog", 'readLines("<state>/catalog.db")', NO_FILE),
    Attack("catalog_by_a_relative_path", 'readLines("../../../catalog.db")', NO_FILE),
    Attack("catalog_by_a_program", 'shell("cat <state>/catalog.db")', "Permission denied"),
    Attack(
        "catalog_by_rscript",
        'shell("Rscript -e \'readLines(\\"<state>/catalog.db\\")\'")',
        "cannot open",
    ),
    Attack("state_listing", 'kernel("openat", -100, "@<state>", 65536)', NO_CALL),
    Attack("session_keys", 'kernel("openat", -100, "@<state>/sessions", 65536)', NO_CALL),
    Attack(
        "keys_under_way", 'kernel("openat", -100, "@<state>/sessions/.staging", 65536)', NO_CALL
    ),
    Attack(
        "session_of_another",  # whose key is not there in one piece: naming it is knowing it
        'load(file.path("<sessions>", paste0("<key_begins>", "<key_ends>"), ".RData"))',
        NO_FILE,
    ),
    Attack("temporary_files_of_others", 'kernel("openat", -100, "@<state>/work", 65536)', NO_CALL),
    Attack(
        "file_by_symbolic_link", '{file.symlink("<outside>/victim", "l"); readLines("l")}', NO_FILE
    ),
    Attack(
        "file_by_hard_link",
        'file.link("<outside>/victim", "l")',
        "refused: .*(Permission denied|not permitted|cross-device)",
    ),
    Attack(
        "file_by_handle",
        'kernel("name_to_handle_at", -100, "@<outside>/victim", "&", "&", 0)',
        NO_CALL,
    ),
    Attack("file_by_its_handle", 'kernel("open_by_handle_at", 3, "&", 0)', NO_CALL),
    Attack(
        "file_by_the_root_of_a_process", 'readLines("/proc/self/root<outside>/victim")', NO_FILE
    ),
    Attack("environment_of_the_server", 'readLines("/proc/<broker>/environ")', NO_FILE),
    Attack("command_line_of_the_server", 'readLines("/proc/<broker>/cmdline")', NO_FILE),
    Attack("memory_of_the_parent", 'readBin("/proc/<parent>/mem", raw(), 1)', NO_FILE),
    Attack("memory_of_its_parent", 'readBin("/proc/<base>/mem", raw(), 1)', NO_FILE),
    Attack("map_of_the_parent", 'readLines("/proc/<parent>/maps")', NO_FILE),
    Attack("files_of_the_parent", 'kernel("openat", -100, "@/proc/<parent>/fd", 65536)', NO_CALL),
    Attack("files_by_the_parent", 'readLines("/proc/<parent>/root<outside>/victim")', NO_FILE),
    Attack("list_of_processes", 'kernel("openat", -100, "@/proc", 65536)', NO_CALL),
    Attack("names_of_new_files", 'kernel("inotify_init1", 0)', NO_CALL),
    Attack("files_opened_by_others", 'kernel("fanotify_init", 0, 0)', NO_CALL),
    Attack("log_of_the_kernel", 'kernel("syslog", 3, "&", 4096)', NO_CALL),
    Attack("secret_in_the_environment", 'Sys.getenv("TOKEN")', "done: $"),
    Attack(
        "open_files",
        "{fd <- Sys.readlink(dir('/proc/self/fd', full.names = TRUE)); "
        "sort(unique(sub('.*(socket|null).*', '\\\\1', fd)))}",
        "done: +(/proc/[0-9]+/fd )?null socket$",
    ),
]

WRITING = [
    Attack("new_file", 'writeLines("x", "<outside>/new")', NO_FILE),
    Attack("more_in_a_file", 'cat("x", file = "<outside>/victim", append = TRUE)', NO_FILE),
    Attack("file_of_a_program", 'shell("echo x > <outside>/victim")', "denied|cannot create"),
    Attack("removal", 'unlink("<outside>", recursive = TRUE, force = TRUE)', "done: [01]"),
    Attack(
        "move_out", 'file.rename("<outside>/victim", "mine")', "refused: .*(denied|cross-device)"
    ),
    Attack(
        "move_over",
        '{writeLines("x", "f"); file.rename("f", "<outside>/victim")}',
        "refused: .*(denied|cross-device)",
    ),
    Attack(
        "symbolic_link", '{file.symlink("<outside>/victim", "l"); writeLines("x", "l")}', NO_FILE
    ),
    Attack(
        "symbolic_link_to_a_folder",
        '{file.symlink("<outside>", "l"); writeLines("x", "l/new")}',
        NO_FILE,
    ),
    Attack("new_folder", 'dir.create("<outside>/new")', "denied"),
    Attack(
        "mode",
        '{Sys.chmod("<outside>/victim", "777"); file.mode("<outside>/victim")}',
        "done: 644|refused",
    ),
    Attack("mode_by_the_kernel", 'kernel("fchmodat", -100, "@<outside>/victim", 511)', ""),
    Attack(
        "mode_by_a_young_call", "kernel(452, -100, '@<outside>/victim', 511, 0)", "refused: ENOSYS"
    ),
    Attack("owner", 'kernel("fchownat", -100, "@<outside>/victim", 1, 1, 0)', NO_CALL),
    Attack("time", 'Sys.setFileTime("<outside>/victim", as.POSIXct("2001-01-01"))', ""),
    Attack("time_by_a_program", 'shell("touch -d 2001-01-01 <outside>/victim")', ""),
    Attack(
        "attribute",
        'kernel("setxattr", "@<outside>/victim", "@user.x", "@v", 1, 0)',
        "refused: (EPERM|EACCES|EOPNOTSUPP)",
    ),
    Attack("emptying", 'kernel("truncate", "@<outside>/victim", 0)', NO_CALL),
    Attack(
        "emptying_what_may_be_read",
        'kernel("openat", -100, "@<project>/data/numbers.csv", 512)',
        NO_CALL,
    ),
    Attack("shared_memory_folder", 'writeLines("x", "/dev/shm/larder-escape")', NO_FILE),
    Attack("temporary_folder_of_all", 'writeLines("x", "/tmp/larder-escape")', NO_FILE),
    Attack("library_of_r", 'file.create(file.path(.Library, "escape"))', NO_FILE),
    Attack("profile", 'writeLines("evil()", "<outside>/.Rprofile")', NO_FILE),
    Attack("profile_by_its_name", 'writeLines("evil()", "~/.Rprofile")', ""),
    Attack(
        "library_of_the_user",
        '{.libPaths("<outside>"); dir.create(file.path("<outside>", "evil"))}',
        "denied",
    ),
    Attack("models", 'writeLines("x", "<project>/models/evil.R")', NO_FILE),
    Attack("data", 'writeLines("x", "<project>/data/numbers.csv")', NO_FILE),
    Attack(
        "installed_packages", 'writeLines("x", "<state>/apps/releases/r1/library/file")', NO_FILE
    ),
    Attack(
        "session_of_another_changed", 'save(list = character(), file = "<other>/.RData")', NO_FILE
    ),
    Attack("session_planted", 'dir.create("<state>/sessions/x0ffffffffffffff")', "denied"),
    Attack("device", 'kernel("mknodat", -100, "@d", 8630, 259)', NO_CALL),
    Attack("pipe", 'shell("mkfifo p")', "refused"),
    Attack(
        "manifest_that_is_a_link", 'file.symlink("<outside>/victim", ".larder.json")', "done: TRUE"
    ),
    Attack(
        "session_by_links",
        '{for (n in c(".RData", ".REval", "DESCRIPTION")) file.symlink("<outside>/victim", n); 1}',
        "",
    ),
]

NETWORK = [
    Attack("tcp", 'weapon("connect_internet", <tcp>L, 1L)', NO_CALL),
    Attack("udp", 'weapon("connect_internet", <udp>L, 2L)', NO_CALL),
    Attack("tcp_by_r", 'socketConnection("127.0.0.1", <tcp>, timeout = 2)', "refused: "),
    Attack(
        "tcp_by_a_program", "shell(\"bash -c 'echo x > /dev/tcp/127.0.0.1/<tcp>'\")", "refused: "
    ),
    Attack("listening", "serverSocket(0)", "refused: "),
    Attack("ipv6", 'kernel("socket", 10, 1, 0)', NO_CALL),
    Attack("unix_path", 'weapon("connect_unix", "<outside>/open.sock")', NO_CALL),
    Attack("unix_abstract", 'weapon("connect_unix", "<abstract>")', NO_CALL),
    Attack("own_engine", 'weapon("connect_unix", "<state>/engine.sock")', NO_CALL),
    Attack("netlink", 'kernel("socket", 16, 3, 0)', NO_CALL),
    Attack("raw", 'kernel("socket", 2, 3, 1)', NO_CALL),
    Attack("packets", 'kernel("socket", 17, 3, 768)', NO_CALL),
    Attack("virtual_machines", 'kernel("socket", 40, 1, 0)', NO_CALL),
    Attack(
        "names", 'suppressWarnings(is.null(utils::nsl("localhost.localdomain")))', "TRUE|refused"
    ),
    Attack("download", 'download.file("http://127.0.0.1:<tcp>/", "f", quiet = TRUE)', "refused: "),
]

PROCESSES = [
    Attack("end_of_the_parent", "tools::pskill(<parent>, 9L)", NO_SIGNAL),
    Attack(
        "transcript_cut_short",
        "{map <- grep('transcript', readLines('/proc/self/maps'), value = TRUE)[1]; "
        "kernel('openat', -100, sub('([^ ]*).*', '@/proc/self/map_files/\\\\1', map), 2)}",
        NO_CALL,
    ),
    Attack("end_of_its_parent", "tools::pskill(<base>, 9L)", NO_SIGNAL),
    Attack("end_of_the_broker", "tools::pskill(<broker>, 9L)", NO_SIGNAL),
    Attack("end_of_all", 'kernel("kill", -1, 9)', ""),
    Attack("end_of_the_parents_group", 'kernel("kill", "-<group>", 9)', "refused"),
    Attack("signal_to_a_thread", 'kernel("tgkill", <broker>, <broker>, 9)', "refused"),
    Attack("queued_signal", 'kernel("rt_sigqueueinfo", <broker>, 15, "&")', "refused"),
    Attack("signal_by_descriptor", 'weapon("end_by_pidfd", <broker>L)', "refused"),
    Attack("signal_by_pipe", 'weapon("signal_by_pipe", <broker>L)', NO_CALL),
    Attack("tracing", 'kernel("ptrace", 16, <parent>, 0, 0)', NO_CALL),
    Attack("memory_read", 'kernel("process_vm_readv", <parent>, "&", 1, "&", 1, 0)', NO_CALL),
    Attack("memory_written", 'kernel("process_vm_writev", <parent>, "&", 1, "&", 1, 0)', NO_CALL),
    Attack("descriptor_taken", 'weapon("steal", <broker>L)', NO_CALL),
    Attack("comparison", 'kernel("kcmp", <broker>, <parent>, 0, 0, 0)', NO_CALL),
    Attack("limits_of_the_broker", 'kernel("prlimit64", <broker>, 0, "&", 0)', NO_CALL),
    Attack("limits_by_a_program", 'shell("prlimit --pid <broker> --cpu=1")', "refused"),
    Attack("cores_of_the_broker", 'kernel("sched_setaffinity", <broker>, 8, "&")', NO_CALL),
    Attack("priority_of_the_broker", 'kernel("setpriority", 0, <broker>, 19)', NO_CALL),
    Attack("priority_of_the_user", 'kernel("setpriority", 2, 0, 19)', NO_CALL),
    Attack("disk_priority_of_the_broker", 'kernel("ioprio_set", 1, <broker>, 0)', NO_CALL),
    Attack("session_of_its_own", 'kernel("setsid")', NO_CALL),
    Attack("group_of_its_own", 'kernel("setpgid", 0, 0)', NO_CALL),
    Attack("life_without_parent", 'kernel("prctl", 1, 0, 0, 0, 0)', NO_CALL),
    Attack("death_of_the_parent_survived", 'kernel("prctl", 1, 15, 0, 0, 0)', NO_CALL),
    Attack("limits_raised", 'shell("ulimit -Hn 100000")', "refused"),
]

KERNEL = [
    Attack("user_namespace", 'kernel("unshare", 268435456)', NO_CALL),
    Attack("mount_namespace", 'kernel("unshare", 131072)', NO_CALL),
    Attack("clone_with_a_namespace", 'kernel("clone", 268435473, 0, 0, 0, 0)', NO_CALL),
    Attack("clone3", 'kernel(435, "&", 88)', "refused: ENOSYS"),
    Attack("entered_namespace", 'kernel("setns", 3, 0)', NO_CALL),
    Attack("unshare_by_a_program", 'shell("unshare -U true")', "refused"),
    Attack("io_uring", 'kernel("io_uring_setup", 1, "&")', NO_CALL),
    Attack("bpf", 'kernel("bpf", 0, "&", 72)', NO_CALL),
    Attack("userfaultfd", 'kernel("userfaultfd", 0)', NO_CALL),
    Attack("performance_events", 'kernel("perf_event_open", "&", 0, -1, -1, 0)', NO_CALL),
    Attack("keyring", 'kernel("keyctl", 0, -3, 0)', NO_CALL),
    Attack("key", 'kernel("add_key", "@user", "@k", "@v", 1, -3)', NO_CALL),
    Attack("key_requested", 'kernel("request_key", "@user", "@k", 0, -3)', NO_CALL),
    Attack("mount", 'kernel("mount", "@none", "@<outside>", "@tmpfs", 0, 0)', NO_CALL),
    Attack("unmount", 'kernel("umount2", "@/proc", 2)', NO_CALL),
    Attack("mount_by_a_program", 'shell("mount -t tmpfs none <outside>")', "refused"),
    Attack("chroot", 'kernel("chroot", "@.")', NO_CALL),
    Attack("pivot_root", 'kernel("pivot_root", "@.", "@.")', NO_CALL),
    Attack("other_personality", 'kernel("personality", 262144)', NO_CALL),
    Attack("module", 'kernel("init_module", "&", 1, "@")', NO_CALL),
    Attack("module_by_file", 'kernel("finit_module", 3, "@", 0)', NO_CALL),
    Attack("kernel_replaced", 'kernel("kexec_load", 0, 0, 0, 0)', NO_CALL),
    Attack("restart", 'kernel("reboot", 0, 0, 0, 0)', NO_CALL),
    Attack("swap", 'kernel("swapon", "@f", 0)', NO_CALL),
    Attack("accounting", 'kernel("acct", "@f")', NO_CALL),
    Attack("quota", 'kernel("quotactl", 0, 0, 0, 0)', NO_CALL),
    Attack("memory_without_a_limit", 'kernel("memfd_create", "@m", 0)', NO_CALL),
    Attack("memory_that_stays", 'kernel("shmget", 0, 4096, 512)', NO_CALL),
    Attack("queue_that_stays", 'kernel("mq_open", "@q", 66, 384, 0)', NO_CALL),
    Attack(
        "capabilities",
        "{try(kernel('setuid', 0)); said <- readLines('/proc/self/status'); "
        "all(c('NoNewPrivs:\\t1', 'Seccomp:\\t2') %in% said, "
        "grepl('\\t000000000000000[04]$', grep('^Cap(Eff|Prm|Amb)', said, value = TRUE)))}",
        "done: TRUE",
    ),
    Attack("setuid_program", 'shell("su -c id root < /dev/null")', "refused"),
    Attack("call_of_the_future", "kernel(599)", "refused: ENOSYS"),
]

EXHAUSTION = [
    Attack("memory", "length(numeric(1e12))", "cannot allocate"),
    Attack(
        "memory_bit_by_bit",
        "{x <- list(); repeat x[[length(x) + 1]] <- numeric(1e6)}",
        "cannot allocate|stopped: .*64 MB of memory",
        Limits(memory_bytes=64 * MB),
    ),
    Attack(
        "one_large_file",
        '{writeBin(raw(12 * 2^20), "f"); file.size("f") <= 10 * 2^20}',
        "stopped: .*a file of 10 MB",
        Limits(file_bytes=10 * MB),
    ),
    Attack("output", "{for (i in 1:40) cat(strrep('x', 1e6)); 1}", "stopped: .*10 MB of output"),
    Attack("output_in_pieces", "{for (i in 1:3e4) cat('x\\n'); 1}", "done: 1"),
    Attack("output_of_a_program", "system('head -c 30000000 /dev/zero | tr \\\\0 x')", "done: 0"),
    Attack("messages", "{for (i in 1:200) message(strrep('x', 1e4)); 1}", "done: 1"),
    Attack(
        "many_files",
        "{for (i in 1:1000) file.create(paste0('f', i)); length(dir())}",
        "done: 1000|refused",
    ),
    Attack(
        "open_files",
        "{x <- list(); repeat x[[length(x) + 1]] <- file(tempfile(), 'w')}",
        "cannot open|too many|all connections",
    ),
    Attack(
        "folders_in_folders",
        '{for (i in 1:1500) { dir.create("d"); setwd("d") }; 1}',
        "done: 1|refused",
    ),
]

TAMPERING = [
    Attack("connections_closed", "closeAllConnections()", ""),
    Attack("locale_broken", '{Sys.setlocale("LC_ALL", "C"); Sys.setenv(LC_ALL = "xx"); "é"}', ""),
    Attack(
        "base_function_replaced",
        '{unlockBinding("paste", baseenv()); assign("paste", function(...) "evil", baseenv()); 1}',
        "",
    ),
    Attack(
        "base_function_of_the_evaluator_replaced",
        '{for (n in c("withVisible", "readChar", "sink.number")) {unlockBinding(n, baseenv()); '
        'assign(n, function(...) stop("evil"), baseenv())}; 1}',
        "",
    ),
    Attack(
        "support_functions_replaced",
        '{e <- environment(get("f", list(f = sys.function(1)))); '
        'for (f in sys.frames()) if (exists("operations", f)) '
        '{assign("error_text", function(...) "evil", envir = topenv(f))}; 1}',
        "",
    ),
    Attack(
        "options_changed", 'options(warn = 2, device = NULL, encoding = "latin1", digits = 1)', ""
    ),
    Attack("own_temporary_folder_removed", "unlink(tempdir(), recursive = TRUE)", "done: [01]"),
    Attack(
        "temporary_folder_of_the_parent_removed",
        '{d <- Sys.getenv("R_SESSION_TMPDIR"); unlink(d, recursive = TRUE); dir.exists(d)}',
        "TRUE",
    ),
    Attack("folder_left", 'setwd("/")', ""),
    Attack("own_folder_removed", "unlink(getwd(), recursive = TRUE)", "done: [01]"),
    Attack(
        "libraries_changed",
        '{.libPaths(tempdir()); Sys.setenv(R_LIBS_USER = tempdir(), LD_PRELOAD = "x.so"); 1}',
        "",
    ),
    Attack(
        "everything_removed",
        "rm(list = ls(globalenv(), all.names = TRUE), envir = globalenv())",
        "",
    ),
    Attack("umask", 'Sys.umask("000")', ""),
]

DEATHS = [
    Attack("quit", 'q("no")', r"q\(\)"),
    Attack("quit_by_the_internal", '.Internal(quit("no", 1L, FALSE))', r"q\(\)"),
    Attack("null_written_to", 'crash("write_to_nowhere")', "segmentation fault"),
    Attack("abort", 'crash("give_up")', "abort|segmentation fault"),
]
"""`seen` is the reason that the caller is told."""

WHOLE = {
    "ok": True,
    "duration_s": 0.0,
    "graphics": 0,
    "objects": [],
    "files": [],
    "texts": {name: [] for name in ("messages", "stdout", "warnings", "source", "console")},
}
FORGED = {
    "no_message": b"no message at all",
    "endless": struct.pack("<II", 2**31, 0),
    "nothing": wire.pack({}),
    "words_of_the_broker": wire.pack({"failed": "EngineBusy", "done": True, "index": 7}),
    "strange_kinds": wire.pack({**WHOLE, "bodies": [1]}),
    "body_from_elsewhere": wire.pack(
        {**WHOLE, "bodies": {"json": {"body": {"file": "../../../../catalog.db"}, "type": "x"}}}
    ),
    "body_out_of_nowhere": wire.pack(
        {**WHOLE, "bodies": {"json": {"body": {"blob": 3}, "type": "x"}}}
    ),
}
"""What R code may write into the socket over which its own answer goes."""

ENDLESS = [
    'crash("loop")',
    "repeat try(tryCatch(repeat {}, interrupt = function(i) NULL))",
    "shell('while :; do :; done')",
    "shell('trap \"\" 1 2 3 15; while :; do sleep 1; done')",
]
"""Code without an end: in C, in spite of interrupts, in a program, in spite of signals."""
