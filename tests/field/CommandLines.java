// What the Java NameServer makes of each row of command-lines.tsv.
// java -cp 'tests/interop/target/lib/5.5.0/*' tests/field/CommandLines.java tests/field/command-lines.tsv
// prints the table with the column of Java filled in.

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;
import org.apache.rocketmq.namesrv.NamesrvStartup;
import org.apache.rocketmq.srvutil.ServerUtil;

public class CommandLines {
    public static void main(String[] arguments) throws Exception {
        PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] columns = line.split("\t", -1);
            if (!line.startsWith("#")) {
                columns[1] = outcome(words(columns[0]));
            }
            output.println(String.join("\t", columns));
        }
    }

    /** As `NamesrvStartup.parseCommandlineAndConfigFile` and `ServerUtil.parseCmdLine` read and decide. */
    private static String outcome(String[] words) {
        Options options = NamesrvStartup.buildCommandlineOptions(ServerUtil.buildCommandlineOptions(new Options()));
        try {
            CommandLine line = new DefaultParser().parse(options, words);
            if (line.hasOption('h')) {
                return "help";
            }
            String file = line.hasOption('c') ? " file=" + line.getOptionValue('c') : "";
            String ignored = line.getArgList().isEmpty() ? "" : " ignored=" + line.getArgList();
            return (line.hasOption('p') ? "print" : "serve") + file + ignored;
        } catch (ParseException | RuntimeException error) {
            return "refused: " + error.getMessage();
        }
    }

    /** Words apart at a blank; `''` is an empty one. */
    private static String[] words(String text) {
        List<String> words = new ArrayList<>();
        for (String word : text.split(" ")) {
            if (!word.isEmpty()) {
                words.add(word.equals("''") ? "" : word);
            }
        }
        return words.toArray(new String[0]);
    }
}
