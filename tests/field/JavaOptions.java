// What a JVM makes of each row of java-options.tsv; a shell expands the variables that are not the JVM's own, as
// runserver.sh does.
// javac -d FOLDER tests/field/JavaOptions.java && java -cp FOLDER JavaOptions tests/field/java-options.tsv
// prints the table with the column of Java filled in.

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;

public class JavaOptions {
    private static final String MARK = "PROPERTIES ";

    public static void main(String[] arguments) throws Exception {
        PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        if (arguments.length == 0) {
            output.println(MARK + properties());
            return;
        }
        Path file = Files.createTempFile("options", ".args");
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] columns = line.split("\t", -1);
            if (!line.startsWith("#")) {
                Files.write(file, Escapes.unescape(columns[3]));
                columns[4] = outcome(columns[1], columns[2], file);
            }
            output.println(String.join("\t", columns));
        }
        Files.delete(file);
    }

    /** What a JVM with the variable tells of its properties. */
    private static String outcome(String variable, String text, Path file) throws Exception {
        String words = variable.startsWith("JAVA_OPT") ? "$" + variable : "";
        String command = "exec java -XX:TieredStopAtLevel=1 " + words + " -cp \"$FOLDER\" JavaOptions";
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", command).redirectErrorStream(true);
        builder.environment().put("FOLDER", System.getProperty("java.class.path"));
        String bytes = new String(Escapes.unescape(text), StandardCharsets.UTF_8);
        builder.environment().put(variable, bytes.replace("@FILE", "@" + file));
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        boolean isUp = process.waitFor() == 0 && output.contains(MARK);
        return isUp ? output.substring(output.indexOf(MARK) + MARK.length()).strip() : "refused";
    }

    /** The properties that begin with `t.`. */
    private static String properties() {
        TreeMap<String, String> found = new TreeMap<>();
        System.getProperties().forEach((key, value) -> found.put((String) key, (String) value));
        StringBuilder text = new StringBuilder();
        found.tailMap("t.").headMap("t/").forEach((key, value) -> text.append(" [" + key + "=" + Escapes.escape(value) + "]"));
        return text.isEmpty() ? "none" : text.substring(1);
    }

    /** Text with the escapes of the table. */
    private static class Escapes {
        static byte[] unescape(String text) {
            StringBuilder bytes = new StringBuilder();
            for (int index = 0; index < text.length(); index++) {
                if (text.startsWith("\\x", index)) {
                    bytes.append((char) Integer.parseInt(text.substring(index + 2, index + 4), 16));
                    index += 3;
                } else {
                    bytes.append(text.charAt(index));
                }
            }
            return bytes.toString().getBytes(StandardCharsets.ISO_8859_1);
        }

        static String escape(String value) {
            StringBuilder text = new StringBuilder();
            for (byte item : value.getBytes(StandardCharsets.UTF_8)) {
                boolean isPlain = item >= ' ' && item <= '~';
                text.append(isPlain ? Character.toString(item) : String.format("\\x%02x", item));
            }
            return text.toString();
        }
    }
}
