// mqadmin that stays: one JVM for many command lines, because starting one for each takes seconds.

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Reads one mqadmin command line after the other from standard input and writes what each prints, ended by {@link #END}.
 *
 * <p>mqadmin's own exit status says nothing (it is 0 for failed commands too), so only the output is passed on. Empty lines
 * and the status lines of its logging library ({@code |-}) are left out.
 */
public final class AdminConsole {
    static final String END = "<<end>>";

    public static void main(String[] arguments) throws IOException {
        PrintStream terminal = System.out;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Thread main = Thread.currentThread();
        Thread waker = new Thread(() -> wakeSleepers(main));
        waker.setDaemon(true);
        waker.start();
        for (String command = commands.readLine(); command != null; command = commands.readLine()) {
            outputOf(command).lines().filter(line -> !line.isBlank() && !line.contains("|-")).forEach(terminal::println);
            terminal.println(END);
            terminal.flush();
        }
        System.exit(0); // mqadmin leaves threads behind
    }

    private static String outputOf(String command) throws IOException {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        PrintStream capture = new PrintStream(output, true, StandardCharsets.UTF_8);
        System.setOut(capture);
        System.setErr(capture);
        MQAdminStartup.main0(command.trim().split(" +"), null);
        return output.toString(StandardCharsets.UTF_8);
    }

    /**
     * Saves up to 3 s a command: when a 5.5.0 client stops, it waits for its event thread, which looks up only that often.
     */
    private static void wakeSleepers(Thread main) {
        while (true) {
            if (Arrays.stream(main.getStackTrace()).anyMatch(AdminConsole::stopsServiceThread)) {
                Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().contains("NettyEventExecutor")).forEach(Thread::interrupt);
            }
            LockSupport.parkNanos(20_000_000);
        }
    }

    private static boolean stopsServiceThread(StackTraceElement frame) {
        return frame.getClassName().endsWith(".ServiceThread") && frame.getMethodName().equals("shutdown");
    }
}
