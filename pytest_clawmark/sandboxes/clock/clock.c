/* The time of a world: loaded into every program by /etc/ld.so.preload, it moves the clock of the calendar and
 * leaves the monotonic one alone, by which programs wait.
 *
 * The library is built beforehand (see ./build) and holds no code but this. How far the calendar is moved stands
 * behind a mark in its data; the host writes it there, in the file, before anything of the agent's runs.
 */
/* As Linux has them on machines of 64 bits; no header is needed, so any compiler does. */
typedef long time_t;
typedef int clockid_t;
typedef void *object;
struct timespec { time_t tv_sec; long tv_nsec; };
struct timeval { time_t tv_sec; long tv_usec; };
struct timezone { int minutes_west, daylight; };
enum { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_REALTIME_COARSE = 5, CLOCK_TAI = 11 };
enum { TIMER_ABSTIME = 1, TIME_UTC = 1, EINVAL = 22 };

#define EXPORT __attribute__((visibility("default")))
#define WEAK __attribute__((weak))

static volatile struct {
    char mark[16];
    long seconds;
    long nanoseconds; /* 0 to 999999999 */
} offset __attribute__((section(".data"), used)) = {"clawmark-offset", 0, 0};

#define BILLION 1000000000
/* Of the clocks that programs give absolute times by, only the calendar is beyond this: 17 years. */
#define CALENDAR (1 << 29)

extern WEAK int pthread_cond_clockwait(object, object, clockid_t, const struct timespec *);
extern WEAK int pthread_mutex_clocklock(object, clockid_t, const struct timespec *);
extern WEAK int sem_clockwait(object, clockid_t, const struct timespec *);
extern WEAK int *__errno_location(void);

#if defined(__x86_64__)
enum { SYS_clock_gettime = 228, SYS_clock_nanosleep = 230 };

static long call(long number, long a, long b, long c, long d) {
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { SYS_clock_gettime = 113, SYS_clock_nanosleep = 115 };

static long call(long number, long a, long b, long c, long d) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#else
#error "write down how this machine calls its kernel"
#endif

static int tells_calendar(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

static int answer(long result) {
    if (result >= 0)
        return (int)result;
    if (__errno_location)
        *__errno_location() = (int)-result;
    return -1;
}

static void move(struct timespec *time) {
    time->tv_sec += offset.seconds;
    time->tv_nsec += offset.nanoseconds;
    if (time->tv_nsec >= BILLION) {
        time->tv_nsec -= BILLION;
        time->tv_sec += 1;
    }
}

/* From the world's calendar to the machine's. */
static struct timespec moved_back(const struct timespec *time) {
    struct timespec result = {time->tv_sec - offset.seconds, time->tv_nsec - offset.nanoseconds};
    if (result.tv_nsec < 0) {
        result.tv_nsec += BILLION;
        result.tv_sec -= 1;
    }
    return result;
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *time) {
    long result = call(SYS_clock_gettime, clock, (long)time, 0, 0);
    if (result == 0 && tells_calendar(clock))
        move(time);
    return answer(result);
}

EXPORT int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    long result = call(SYS_clock_gettime, CLOCK_REALTIME, (long)&now, 0, 0);
    if (result == 0 && time) {
        move(&now);
        time->tv_sec = now.tv_sec;
        time->tv_usec = now.tv_nsec / 1000;
    }
    if (zone)
        *(struct timezone *)zone = (struct timezone){0, 0};
    return answer(result);
}

EXPORT time_t time(time_t *place) {
    struct timespec now;
    call(SYS_clock_gettime, CLOCK_REALTIME, (long)&now, 0, 0);
    move(&now);
    if (place)
        *place = now.tv_sec;
    return now.tv_sec;
}

EXPORT int timespec_get(struct timespec *time, int kind) {
    if (kind != TIME_UTC || call(SYS_clock_gettime, CLOCK_REALTIME, (long)time, 0, 0) != 0)
        return 0;
    move(time);
    return kind;
}

/* Gives the error itself, not -1. */
EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    struct timespec real;
    if ((flags & TIMER_ABSTIME) && tells_calendar(clock) && until) {
        real = moved_back(until);
        until = &real;
    }
    return (int)-call(SYS_clock_nanosleep, clock, flags, (long)until, (long)left);
}

/* Whoever waits until a moment may mean either clock; how large it is tells which. */
static clockid_t adapted(const struct timespec *until, struct timespec *real) {
    if (until->tv_sec < CALENDAR) {
        *real = *until;
        return CLOCK_MONOTONIC;
    }
    *real = moved_back(until);
    return CLOCK_REALTIME;
}

EXPORT int pthread_cond_timedwait(object condition, object mutex, const struct timespec *until) {
    struct timespec real;
    clockid_t clock = adapted(until, &real);
    return pthread_cond_clockwait ? pthread_cond_clockwait(condition, mutex, clock, &real) : EINVAL;
}

EXPORT int pthread_mutex_timedlock(object mutex, const struct timespec *until) {
    struct timespec real = moved_back(until);
    return pthread_mutex_clocklock ? pthread_mutex_clocklock(mutex, CLOCK_REALTIME, &real) : EINVAL;
}

EXPORT int sem_timedwait(object semaphore, const struct timespec *until) {
    struct timespec real = moved_back(until);
    return sem_clockwait ? sem_clockwait(semaphore, CLOCK_REALTIME, &real) : answer(-EINVAL);
}
