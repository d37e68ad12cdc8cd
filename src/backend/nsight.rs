//! Reads what Nsight Compute prints with `--csv`: how many bytes each kernel moved, and in which of TensorRT's NVTX ranges
//! it ran. Text in, values out. Two layouts are known: the raw page (`--page raw`: a row for each kernel, a row of units
//! below the header) and the details page (a row for each kernel and metric). Knows nothing of networks.

use csv::{ReaderBuilder, StringRecord};

use crate::units::Bytes;

/// What one kernel moved.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelTraffic {
    /// Nsight Compute's number of it.
    pub id: u64,
    /// Its name.
    pub kernel: String,
    /// Names of the NVTX push/pop ranges in which it was launched, outermost first. TensorRT opens one for each layer,
    /// with the layer's name.
    pub ranges: Vec<String>,
    /// Bytes read and written.
    pub bytes: Bytes,
    /// Where they were counted.
    pub counter: Counter,
}

/// Where bytes were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// At the DRAM: `dram__bytes_read.sum` and `dram__bytes_write.sum`, else `dram__bytes.sum`.
    Dram,
    /// At the L2 cache: `lts__t_bytes.sum`. At least as many as reach the DRAM; Jetsons have no counters there.
    L2,
}

impl Counter {
    /// The word in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dram => "dram",
            Self::L2 => "l2",
        }
    }
}

/// A text that isn't Nsight Compute's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {}expected {expected}, found {found}", column_words(.column.as_ref()))]
pub struct NsightError {
    /// Line number, from 1.
    pub line: usize,
    /// The column's name, where the fault is in one.
    pub column: Option<String>,
    /// What should stand there.
    pub expected: String,
    /// What stands there, or that nothing does.
    pub found: String,
}

fn column_words(column: Option<&String>) -> String {
    column.map_or_else(String::new, |column| format!("column `{column}`: "))
}

/// The metrics that are looked for, best first; several of one row are added up.
const COUNTERS: [(Counter, &[&str]); 3] = [
    (Counter::Dram, &["dram__bytes_read.sum", "dram__bytes_write.sum"]),
    (Counter::Dram, &["dram__bytes.sum"]),
    (Counter::L2, &["lts__t_bytes.sum"]),
];

/// Units of bytes as Nsight Compute writes them.
const UNITS: [(&str, f64); 9] = [
    ("byte", 1.0),
    ("Kbyte", 1e3),
    ("Mbyte", 1e6),
    ("Gbyte", 1e9),
    ("Tbyte", 1e12),
    ("Kibyte", 1_024.0),
    ("Mibyte", 1_048_576.0),
    ("Gibyte", 1_073_741_824.0),
    ("Tibyte", 1_099_511_627_776.0),
];

/// The kernels of a text, in its order. Lines before the table are passed over, as are `==PROF==` and `==WARNING==` lines
/// after it. A text without a table is refused with the `==ERROR==` that it holds.
pub fn read(text: &str) -> Result<Vec<KernelTraffic>, NsightError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table = Table::find(text)?;
    let kernels = if table.column("Metric Name").is_some() { details_page(&table) } else { raw_page(&table) }?;
    if kernels.is_empty() {
        return Err(NsightError::at(table.last_line, "a row for each kernel", "the end of the file"));
    }
    Ok(kernels)
}

/// A row of units, then one row for each kernel.
fn raw_page(table: &Table) -> Result<Vec<KernelTraffic>, NsightError> {
    let id = table.required("ID")?;
    let Some((units, rows)) = table.rows.split_first() else {
        return Err(NsightError::at(table.last_line, "a row of units below the header", "the end of the file"));
    };
    if !units.cell(id).is_empty() {
        return Err(NsightError::at(units.line, "a row of units, without an ID", quoted(units.cell(id))));
    }
    rows.iter().map(|row| table.kernel(row, |metric| table.raw_bytes(row, units, metric))).collect()
}

/// A row for each metric of a kernel; those of one kernel stand together.
fn details_page(table: &Table) -> Result<Vec<KernelTraffic>, NsightError> {
    let id = table.required("ID")?;
    let process = table.column("Process ID");
    let key = |row: &Row| (row.cell(id).to_owned(), process.map(|process| row.cell(process).to_owned()));
    let columns = [table.required("Metric Name")?, table.required("Metric Unit")?, table.required("Metric Value")?];
    let of_one_kernel = table.rows.chunk_by(|one, next| key(one) == key(next));
    of_one_kernel.map(|rows| table.kernel(&rows[0], |metric| details_bytes(rows, columns, metric))).collect()
}

fn details_bytes(rows: &[Row], columns: [usize; 3], metric: &str) -> Result<Option<Bytes>, NsightError> {
    let [name, unit, value] = columns;
    match rows.iter().find(|row| row.cell(name) == metric) {
        Some(row) => bytes(row.cell(value), row.cell(unit)).map_err(|wrong| wrong.at(row.line, metric)),
        None => Ok(None),
    }
}

/// The table of a text, cut into cells.
struct Table {
    header: Row,
    rows: Vec<Row>,
    last_line: usize,
}

/// A row, and its first line in the text.
struct Row {
    line: usize,
    cells: StringRecord,
}

impl Row {
    /// Every row has as many cells as the header.
    fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default().trim()
    }
}

impl Table {
    fn find(text: &str) -> Result<Self, NsightError> {
        let last_line = text.lines().count().max(1);
        let is_header = |line: &str| line.starts_with("\"ID\",") || line.starts_with("ID,");
        let mut begin = 0;
        for (idx, line) in text.split_inclusive('\n').enumerate() {
            if is_header(line) {
                return Self::cut(&text[begin..], idx, last_line);
            }
            begin += line.len();
        }
        let error = text.lines().enumerate().find(|(_, line)| line.starts_with("==ERROR=="));
        let (line, found) = error.map_or((last_line, "none".to_owned()), |(idx, line)| (idx + 1, quoted(line)));
        Err(NsightError::at(line, "a table of `ncu --csv`, whose first column is `ID`", found))
    }

    /// Cuts a text that begins with the header, after `before` other lines.
    fn cut(text: &str, before: usize, last_line: usize) -> Result<Self, NsightError> {
        if !text.matches('"').count().is_multiple_of(2) {
            return Err(NsightError::at(last_line, "a closing quote", "the end of the file"));
        }
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let mut rows = Vec::new();
        for record in reader.records() {
            let cells = record.map_err(|error| NsightError::at(before + 1, "a table of text", error.to_string()))?;
            let line = cells.position().map_or(1, csv::Position::line);
            let row = Row { line: before + usize::try_from(line).unwrap_or(usize::MAX - before), cells };
            if !row.cell(0).starts_with("==") {
                rows.push(row);
            }
        }
        let header = rows.remove(0);
        let n_columns = header.cells.len();
        if let Some(row) = rows.iter().find(|row| row.cells.len() != n_columns) {
            let found = row.cells.len().to_string();
            return Err(NsightError::at(row.line, format!("{n_columns} columns, as in the header"), found));
        }
        Ok(Self { header, rows, last_line })
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.header.cells.iter().position(|cell| cell.trim() == name)
    }

    fn required(&self, name: &str) -> Result<usize, NsightError> {
        let missing = || NsightError::at(self.header.line, format!("a column `{name}`"), "none");
        self.column(name).ok_or_else(missing)
    }

    /// The kernel of a row, whose metrics `counted` tells.
    fn kernel(
        &self,
        row: &Row,
        counted: impl Fn(&str) -> Result<Option<Bytes>, NsightError>,
    ) -> Result<KernelTraffic, NsightError> {
        let id = row.cell(self.required("ID")?);
        let wrong_id = |_| Wrong { expected: "a whole number".to_owned(), found: quoted(id) }.at(row.line, "ID");
        let id = id.parse().map_err(wrong_id)?;
        let kernel = row.cell(self.required("Kernel Name")?).to_owned();
        for (counter, metrics) in COUNTERS {
            let parts = metrics.iter().map(|metric| counted(metric)).collect::<Result<Option<Vec<_>>, _>>()?;
            if let Some(parts) = parts {
                return Ok(KernelTraffic {
                    id,
                    kernel,
                    ranges: self.ranges(row),
                    bytes: parts.into_iter().sum(),
                    counter,
                });
            }
        }
        let metrics: Vec<&str> = COUNTERS.iter().flat_map(|(_, metrics)| *metrics).copied().collect();
        let expected = format!("a metric of bytes; collect them by `ncu --nvtx --metrics {}`", metrics.join(","));
        Err(NsightError::at(row.line, expected, "none"))
    }

    fn raw_bytes(&self, row: &Row, units: &Row, metric: &str) -> Result<Option<Bytes>, NsightError> {
        let Some(column) = self.column(metric) else { return Ok(None) };
        bytes(row.cell(column), units.cell(column)).map_err(|wrong| wrong.at(row.line, metric))
    }

    /// What the columns of push/pop ranges name.
    fn ranges(&self, row: &Row) -> Vec<String> {
        let columns = self.header.cells.iter().enumerate().filter(|(_, name)| name.contains("Push/Pop"));
        columns.flat_map(|(column, _)| range_names(row.cell(column))).filter(|name| !name.is_empty()).collect()
    }
}

/// Names in a cell: the thread and then, between quotes and outermost first, each range's domain, name and six attributes
/// with colons between them; or one name alone.
fn range_names(cell: &str) -> Vec<String> {
    if !cell.contains('"') {
        return vec![cell.to_owned()];
    }
    cell.split('"').skip(1).step_by(2).map(|range| range_name(range).trim().to_owned()).collect()
}

/// Attributes that follow a range's name: `PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg`.
const RANGE_ATTRIBUTES: usize = 6;

fn range_name(range: &str) -> &str {
    let named = range.split_once(':').map(|(_, rest)| rest);
    let end = named.and_then(|named| named.rmatch_indices(':').nth(RANGE_ATTRIBUTES - 1));
    named.zip(end).map_or(range, |(named, (end, _))| &named[..end])
}

/// The bytes of a cell; `None` where Nsight Compute has no number for it.
fn bytes(cell: &str, unit: &str) -> Result<Option<Bytes>, Wrong> {
    if cell.is_empty() || cell == "n/a" {
        return Ok(None);
    }
    let wrong = |expected: &str, found| Wrong { expected: expected.to_owned(), found: quoted(found) };
    let number = number(cell).ok_or_else(|| wrong("a number such as `1,234.5`", cell))?;
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    let (_, factor) = known.ok_or_else(|| wrong("a unit of bytes (`byte`, `Kbyte`, `Mbyte`, ..)", unit))?;
    let bytes = (number * factor).round();
    // Above it doubles don't count every byte, and no kernel moves as many.
    if bytes >= 9e15 {
        return Err(wrong("fewer than 9e15 bytes", cell));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative, below 2^53")]
    Ok(Some(Bytes(bytes as u64)))
}

/// A number of digits, with commas between thousands or without, and a point before decimals.
fn number(text: &str) -> Option<f64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let thousands: Vec<&str> = whole.split(',').collect();
    let are_thousands =
        thousands.len() == 1 || thousands[0].len() <= 3 && thousands[1..].iter().all(|part| part.len() == 3);
    let is_right = are_thousands && thousands.iter().copied().all(are_digits) && are_digits(decimals);
    is_right.then(|| format!("{}.{decimals}", thousands.concat()).parse().ok()).flatten()
}

/// A cell that isn't what it should be; where it stands is told by who asked for it.
struct Wrong {
    expected: String,
    found: String,
}

impl Wrong {
    fn at(self, line: usize, column: &str) -> NsightError {
        NsightError { line, column: Some(column.to_owned()), expected: self.expected, found: self.found }
    }
}

impl NsightError {
    fn at(line: usize, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { line, column: None, expected: expected.into(), found: found.into() }
    }
}

/// Characters that an error repeats.
const SHOWN: usize = 200;

fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() { format!("`{shown}..`") } else { format!("`{shown}`") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RANGES: &str = "thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg";

    /// Two nested ranges, with the quotes of CSV.
    const CELL: &str = "9  \"\"TensorRT:enqueue:none:none:none:none:none:none\"\"  \"\"TensorRT:a + b:none:none:none:none:none:none\"\" ";

    /// A raw page of one kernel with these metrics: name, unit, value.
    fn raw(metrics: &[(&str, &str, &str)]) -> String {
        let cells = |pick: fn(&(&str, &str, &str)) -> String| metrics.iter().map(pick).collect::<String>();
        format!(
            "==PROF== Connected to process 7 (trtexec)\nsome output, with commas\n\"ID\",\"Process ID\",\"{RANGES}\",\"Kernel Name\"{}\n\"\",\"\",\"\",\"\"{}\n\"0\",\"7\",\"{CELL}\",\"k<1, 2>(x)\"{}\n==PROF== Disconnected\n",
            cells(|(name, _, _)| format!(",\"{name}\"")),
            cells(|(_, unit, _)| format!(",\"{unit}\"")),
            cells(|(_, _, value)| format!(",\"{value}\"")),
        )
    }

    /// The same as a details page.
    fn details(metrics: &[(&str, &str, &str)]) -> String {
        let header = format!(
            "==PROF== x\n\"ID\",\"Process ID\",\"{RANGES}\",\"Kernel Name\",\"Section Name\",\"Metric Name\",\"Metric Unit\",\"Metric Value\"\n"
        );
        let row = |(name, unit, value): &(&str, &str, &str)| {
            format!("\"0\",\"7\",\"{CELL}\",\"k<1, 2>(x)\",\"Command line\",\"{name}\",\"{unit}\",\"{value}\"\n")
        };
        header + &metrics.iter().map(row).collect::<String>()
    }

    #[track_caller]
    fn check(metrics: &[(&str, &str, &str)], bytes: u64, counter: Counter) {
        let ranges = vec!["enqueue".to_owned(), "a + b".to_owned()];
        let expected = KernelTraffic { id: 0, kernel: "k<1, 2>(x)".to_owned(), ranges, bytes: Bytes(bytes), counter };
        for text in [raw(metrics), details(metrics)] {
            assert_eq!(read(&text), Ok(vec![expected.clone()]), "{text}");
        }
    }

    #[test]
    fn both_pages_tell_bytes_by_the_best_counter() {
        let read_write = [("dram__bytes_read.sum", "Kbyte", "1,234.5"), ("dram__bytes_write.sum", "byte", "32")];
        check(&read_write, 1_234_532, Counter::Dram);
        let l2 = ("lts__t_bytes.sum", "Mbyte", "2");
        check(&[l2, read_write[0], read_write[1]], 1_234_532, Counter::Dram);
        check(&[l2, read_write[0], ("dram__bytes_write.sum", "byte", "n/a")], 2_000_000, Counter::L2);
        check(&[l2, ("dram__bytes.sum", "Kibyte", "1.5")], 1536, Counter::Dram);
        check(&[("gpu__time_duration.sum", "usecond", "4.2"), l2], 2_000_000, Counter::L2);
        check(&[("lts__t_bytes.sum", "Gbyte", "0.000001")], 1000, Counter::L2);
    }

    #[test]
    fn kernels_of_a_details_page_are_told_apart_by_their_ids() {
        let one = details(&[("sm__cycles", "cycle", "1"), ("dram__bytes.sum", "byte", "5")]);
        let other = one.lines().skip(2).map(|line| line.replacen("\"0\"", "\"1\"", 1) + "\n").collect::<String>();
        let kernels = read(&(one + &other)).unwrap();
        assert_eq!(kernels.iter().map(|kernel| (kernel.id, kernel.bytes.0)).collect::<Vec<_>>(), [(0, 5), (1, 5)]);
    }

    #[test]
    fn names_of_ranges_may_hold_colons_and_stand_alone() {
        assert_eq!(range_names("9 \"TensorRT:a: b/1x1:none:none:none:none:none:none\""), ["a: b/1x1"]);
        assert_eq!(range_names("\"a\""), ["a"]);
        assert_eq!(range_names("conv1"), ["conv1"]);
    }

    #[track_caller]
    fn refuses(text: &str, message: &str) {
        assert_eq!(read(text).unwrap_err().to_string(), message, "{text}");
    }

    #[test]
    fn other_texts_are_refused_with_line_and_column() {
        refuses("", "1: expected a table of `ncu --csv`, whose first column is `ID`, found none");
        refuses(
            "==PROF== x\n==ERROR== ERR_NVGPUCTRPERM\n",
            "2: expected a table of `ncu --csv`, whose first column is `ID`, found `==ERROR== ERR_NVGPUCTRPERM`",
        );
        let metric = "dram__bytes.sum";
        for (unit, value, expected) in [
            ("byte", "12e3", "a number such as `1,234.5`, found `12e3`"),
            ("byte", "1.234,5", "a number such as `1,234.5`, found `1.234,5`"),
            ("byte", "12,34", "a number such as `1,234.5`, found `12,34`"),
            ("byte", "-1", "a number such as `1,234.5`, found `-1`"),
            ("byte", "nan", "a number such as `1,234.5`, found `nan`"),
            ("sector", "1", "a unit of bytes (`byte`, `Kbyte`, `Mbyte`, ..), found `sector`"),
            ("Tbyte", "9,000,000", "fewer than 9e15 bytes, found `9,000,000`"),
        ] {
            refuses(&raw(&[(metric, unit, value)]), &format!("5: column `{metric}`: expected {expected}"));
        }
        let whole = raw(&[(metric, "byte", "12")]);
        refuses(&whole.replace("\"0\",", "\"x\","), "5: column `ID`: expected a whole number, found `x`");
        refuses(&whole.replace(",\"12\"", ""), "5: expected 5 columns, as in the header, found 4");
        refuses(&whole.replace("\"12\"", "\"12"), "6: expected a closing quote, found the end of the file");
        refuses(&whole.replace("\"\",\"\",", "\"3\",\"\","), "4: expected a row of units, without an ID, found `3`");
        refuses(&whole.replace("Kernel Name", "Kernel"), "3: expected a column `Kernel Name`, found none");
        let header: String = whole.split_inclusive('\n').take(4).collect();
        refuses(&header, "4: expected a row for each kernel, found the end of the file");
        let other = read(&raw(&[("sm__cycles", "cycle", "1")])).unwrap_err().to_string();
        assert!(
            other.starts_with("5: expected a metric of bytes; collect them by `ncu --nvtx --metrics dram_"),
            "{other}"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\"ID\",|\"Metric Name\",|\"Kernel Name\"|,\"\"|dram__bytes.sum|byte|==ERROR==|\n|[0-9\",.: a…]){0,60}") {
            let _ = read(&text);
            let _ = read(&format!("\"ID\",\"Kernel Name\",\"dram__bytes.sum\"\n{text}"));
        }
    }
}
