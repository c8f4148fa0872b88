// mqadmin that stays: one JVM for many command lines, because starting one for each takes seconds.

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Reads one mqadmin command line after the other from standard input and writes what each prints, ended by {@link #END}.
 *
 * <p>mqadmin's own exit status says nothing (it is 0 for failed commands too), so only the output is passed on. Empty lines
 * and the status lines of its logging library ({@code |-}) are left out. A command that runs until it is killed is
 * interrupted after a while.
 */
public final class AdminConsole {
    private static final String END = "<<end>>";
    private static final Set<String> ENDLESS = Set.of("clusterRT", "startMonitoring");
    private static final long ENDLESS_MILLIS = 5000;

    public static void main(String[] arguments) throws IOException, InterruptedException, ReflectiveOperationException {
        PrintStream terminal = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String command = commands.readLine(); command != null; command = commands.readLine()) {
            outputOf(command.trim().split(" +")).lines().filter(line -> !line.isBlank() && !line.contains("|-"))
                .forEach(terminal::println);
            terminal.println(END);
        }
        System.exit(0); // mqadmin leaves threads behind
    }

    private static String outputOf(String[] words) throws InterruptedException, ReflectiveOperationException {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        PrintStream capture = new PrintStream(output, true, StandardCharsets.UTF_8);
        System.setOut(capture);
        System.setErr(capture);
        forgetCommands();
        Thread command = new Thread(() -> MQAdminStartup.main0(words, null), "command");
        command.start();
        long interrupted = System.nanoTime() + ENDLESS_MILLIS * 1_000_000;
        while (command.isAlive()) {
            wakeSleepers(command);
            if (ENDLESS.contains(words[0]) && System.nanoTime() > interrupted) {
                command.interrupt();
            }
            LockSupport.parkNanos(10_000_000);
        }
        return output.toString(StandardCharsets.UTF_8);
    }

    /** Commands keep their clients, some of which cannot start twice; so every line gets new ones, as in a JVM of its own. */
    private static void forgetCommands() throws ReflectiveOperationException {
        for (Field field : MQAdminStartup.class.getDeclaredFields()) {
            if (List.class.isAssignableFrom(field.getType())) { // its name depends on the version
                field.setAccessible(true);
                ((List<?>) field.get(null)).clear();
            }
        }
    }

    /**
     * Saves up to 3 s a command: when a 5.5.0 client stops, it waits for its event thread, which looks up only that often.
     */
    private static void wakeSleepers(Thread command) {
        if (Arrays.stream(command.getStackTrace()).anyMatch(AdminConsole::stopsServiceThread)) {
            Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().contains("NettyEventExecutor"))
                .forEach(Thread::interrupt);
        }
    }

    private static boolean stopsServiceThread(StackTraceElement frame) {
        return frame.getClassName().endsWith(".ServiceThread") && frame.getMethodName().equals("shutdown");
    }
}
