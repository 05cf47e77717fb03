// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a program up to one of its steps, and stops it there for good, or lets the disk be full from
 * there on. A step is a system call that changes what others can see: a file written, named, made
 * or removed, bytes sent. So "at every step" is a loop over a number, and no matter of luck.
 *
 *   stepper [--kill N | --full N] [--files] [--armed] [--count FILE] -- PROGRAM [ARGUMENT...]
 *
 * --kill N   the process is killed in place of its N-th step
 * --full N   from the N-th step on, everything that takes space on a disk fails with ENOSPC
 * --files    bytes sent are no steps
 * --armed    steps count from SIGUSR1 on; SIGTERM is handed to the program
 * --count F  how many steps it took is written to F
 *
 * Ends with the program's own status; 137 where it was killed; 125 where it cannot trace. Processes
 * that the program starts are none of its steps: they run on, and are waited for. Directories that
 * are made one after the other are one step: a place has 256 of a kind.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT_TRACE 125
#define WAS_KILLED   137

#ifdef __x86_64__

enum kind { SPACE, NAME, NETWORK, OPENS, OPENS2 };

/* Each call that can be a step. */
static const struct {
	int number;
	enum kind kind;
} calls[] = {
	{ SYS_write, SPACE },	  { SYS_writev, SPACE },    { SYS_pwrite64, SPACE },
	{ SYS_pwritev, SPACE },	  { SYS_pwritev2, SPACE },  { SYS_ftruncate, SPACE },
	{ SYS_fallocate, SPACE }, { SYS_mkdir, SPACE },	    { SYS_mkdirat, SPACE },
	{ SYS_link, SPACE },	  { SYS_linkat, SPACE },    { SYS_fsetxattr, SPACE },
	{ SYS_setxattr, SPACE },  { SYS_lsetxattr, SPACE }, { SYS_copy_file_range, SPACE },
	{ SYS_rename, NAME },	  { SYS_renameat, NAME },   { SYS_renameat2, NAME },
	{ SYS_unlink, NAME },	  { SYS_unlinkat, NAME },   { SYS_rmdir, NAME },
	{ SYS_sendto, NETWORK },  { SYS_sendmsg, NETWORK }, { SYS_io_uring_enter, NETWORK },
	{ SYS_openat, OPENS },	  { SYS_open, OPENS },	    { SYS_openat2, OPENS2 },
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static struct {
	long kill_at, full_at, steps;
	bool only_files;
	volatile sig_atomic_t waiting; /* for SIGUSR1 */
	pid_t program;
	unsigned long long last; /* call that was a step */
	bool killed;
	int status;
} run;

/* Only these calls stop; all others run at their full speed. */
static void filter(void)
{
	struct sock_filter code[2 * CALLS + 2], *at = code;
	struct sock_fprog program = { .filter = code };

	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS; i++) {
		*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						     (uint32_t)calls[i].number, 0, 1);
		*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)(at - code);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(CANNOT_TRACE);
}

static pid_t start(char **command)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(CANNOT_TRACE);
	raise(SIGSTOP);
	filter();
	execvp(command[0], command);
	_exit(CANNOT_TRACE);
}

static bool creates(pid_t pid, const struct user_regs_struct *regs, enum kind kind)
{
	struct open_how how = { 0 };
	struct iovec here = { &how, sizeof(how) };
	struct iovec there = { (void *)(uintptr_t)regs->rdx, sizeof(how) };

	if (kind == OPENS)
		return (regs->orig_rax == SYS_open ? regs->rsi : regs->rdx) & O_CREAT;
	return process_vm_readv(pid, &here, 1, &there, 1, 0) > 0 && how.flags & O_CREAT;
}

/* What goes to the log is nobody's state. */
static bool is_log(const struct user_regs_struct *regs)
{
	return (regs->orig_rax == SYS_write || regs->orig_rax == SYS_writev) && regs->rdi <= 2;
}

static bool is_file(pid_t pid, unsigned long long fd)
{
	char path[64], target[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/fd/%llu", (int)pid, fd);
	return readlink(path, target, sizeof(target) - 1) > 0 && target[0] == '/';
}

static bool takes_space(pid_t pid, const struct user_regs_struct *regs, enum kind kind)
{
	switch (regs->orig_rax) {
	case SYS_write:
	case SYS_writev:
	case SYS_pwrite64:
	case SYS_pwritev:
	case SYS_pwritev2:
		return is_file(pid, regs->rdi);
	default:
		return kind != NAME && kind != NETWORK;
	}
}

/* Threads are in the program; processes that it has started are not. */
static bool is_program(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)run.program, (int)pid);
	return !access(path, F_OK);
}

static void at_call(pid_t pid)
{
	struct user_regs_struct regs;
	enum kind kind = NAME;
	size_t i = 0;

	if (!is_program(pid) || ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		return;
	while (i < CALLS && (unsigned long long)calls[i].number != regs.orig_rax)
		i++;
	if (i == CALLS || is_log(&regs))
		return;
	kind = calls[i].kind;
	if (run.waiting || (run.only_files && kind == NETWORK))
		return;
	/* Waiting for the ring is no step; handing something to it is. */
	if (regs.orig_rax == SYS_io_uring_enter && !regs.rsi)
		return;
	if ((kind == OPENS || kind == OPENS2) && !creates(pid, &regs, kind))
		return;
	if (regs.orig_rax == SYS_mkdirat && run.last == SYS_mkdirat)
		return;
	run.last = regs.orig_rax;
	run.steps++;
	if (run.steps == run.kill_at) {
		run.killed = true;
		kill(run.program, SIGKILL);
	} else if (run.full_at && run.steps >= run.full_at && takes_space(pid, &regs, kind)) {
		regs.orig_rax = (unsigned long long)-1;
		regs.rax = (unsigned long long)-ENOSPC;
		ptrace(PTRACE_SETREGS, pid, NULL, &regs);
	}
}

/* One stop of one thread; what signal it goes on with. */
static int at_stop(pid_t pid, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_SECCOMP) {
		at_call(pid);
		return 0;
	}
	/* New threads and processes begin with a stop of their own. */
	return event || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
}

static void follow(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			ptrace(PTRACE_CONT, pid, NULL, at_stop(pid, status));
			continue;
		}
		if (pid == run.program)
			run.status =
				WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static void on_signal(int number)
{
	if (number == SIGUSR1)
		run.waiting = 0;
	else
		kill(run.program, number);
}

static int trace(char **command)
{
	struct sigaction action = { .sa_handler = on_signal };
	const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status;

	run.program = start(command);
	if (run.program < 0 || waitpid(run.program, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, run.program, NULL, options) ||
	    ptrace(PTRACE_CONT, run.program, NULL, 0))
		return CANNOT_TRACE;
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	follow();
	return run.killed ? WAS_KILLED : run.status;
}

#else
static struct {
	long kill_at, full_at, steps;
	bool only_files;
	volatile sig_atomic_t waiting;
} run;

/* Registers are another machine's here. */
static int trace(char **command)
{
	return CANNOT_TRACE;
}
#endif

static void write_count(const char *path)
{
	FILE *out = path ? fopen(path, "we") : NULL;

	if (!out)
		return;
	fprintf(out, "%ld\n", run.steps);
	fclose(out);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "kill", required_argument, NULL, 'k' },  { "full", required_argument, NULL, 'f' },
		{ "count", required_argument, NULL, 'c' }, { "files", no_argument, NULL, 'n' },
		{ "armed", no_argument, NULL, 'a' },	   { 0 },
	};
	const char *count = NULL;
	int option, code;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'k':
			run.kill_at = strtol(optarg, NULL, 10);
			break;
		case 'f':
			run.full_at = strtol(optarg, NULL, 10);
			break;
		case 'c':
			count = optarg;
			break;
		case 'n':
			run.only_files = true;
			break;
		case 'a':
			run.waiting = 1;
			break;
		default:
			return 2;
		}
	}
	if (optind == argc)
		return 2;
	code = trace(argv + optind);
	write_count(count);
	return code;
}
