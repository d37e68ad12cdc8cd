//! How busy each characterised convolution keeps the memory: input sizes down, kernels across, as in figure 3 of the
//! HaX-CoNN paper. For a terminal and as SVG; every cell holds its number, so that no meaning is in the shade alone.

use std::fmt::Write as _;

use super::svg::escape;
use crate::profile::emc::{INPUT_SIZES, KERNELS, SingleConvolution};
use crate::units::Percent;

/// The map of one accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// What it shows, for people.
    pub title: String,
    /// By input size, then by kernel, in the order of [`INPUT_SIZES`] and [`KERNELS`]; `None` where nothing is known.
    pub cells: [[Option<Percent>; 5]; 5],
}

impl HeatMap {
    /// The map of `results`, of which those that are no square characterised convolution have no place in it. `None`
    /// where no place is filled.
    pub fn new(title: String, results: impl IntoIterator<Item = (SingleConvolution, Percent)>) -> Option<Self> {
        let mut cells = [[None; 5]; 5];
        for (convolution, percent) in results {
            let row = INPUT_SIZES.iter().position(|input| *input == convolution.input);
            let column = KERNELS.iter().position(|side| convolution.kernel == [*side; 2]);
            if let (Some(row), Some(column)) = (row, column) {
                cells[row][column] = Some(percent);
            }
        }
        cells.iter().flatten().any(Option::is_some).then_some(Self { title, cells })
    }

    /// The map in characters: the number of each cell between two of its shade, which is darker by fifths of the whole.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{:<9}", self.title, "Input");
        for kernel in KERNELS {
            let _ = write!(text, "  {:^6}", format!("{kernel}x{kernel}"));
        }
        text.truncate(text.trim_end().len());
        for (input, row) in INPUT_SIZES.iter().zip(&self.cells) {
            let cells: Vec<String> = row.iter().map(|cell| characters(*cell)).collect();
            let _ = write!(text, "\n{:<9}  {}", size(*input), cells.join("  "));
            text.truncate(text.trim_end().len());
        }
        text + "\n"
    }

    /// The map's shapes with its top at `y`.
    fn shapes(&self, y: u32) -> String {
        let mut svg = format!(r#"<text x="8" y="{}" class="heading">{}</text>"#, y + 24, escape(&self.title));
        for (column, kernel) in (0..).zip(KERNELS) {
            let x = LEFT + column * CELL_WIDTH + CELL_WIDTH / 2;
            let y = y + TOP - 8;
            let _ = write!(svg, r#"<text class="key" x="{x}" y="{y}" text-anchor="middle">{kernel}x{kernel}</text>"#);
        }
        for (row, (input, cells)) in (0..).zip(INPUT_SIZES.iter().zip(&self.cells)) {
            let y = y + TOP + row * CELL_HEIGHT;
            let middle = y + CELL_HEIGHT / 2 + 4;
            let _ = write!(svg, r#"<text class="key" x="8" y="{middle}">{}</text>"#, size(*input));
            svg.extend((0..).zip(cells).map(|(column, cell)| cell_shape(LEFT + column * CELL_WIDTH, y, *cell)));
        }
        svg
    }

    /// The map in words, for people who don't see it.
    fn description(&self) -> String {
        let row = |(input, cells): (&[u64; 2], &[Option<Percent>; 5])| {
            let cells = KERNELS.iter().zip(cells).map(|(kernel, cell)| format!("kernel {kernel} {}", number(*cell)));
            format!("Input {}: {}.", size(*input), cells.collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<String> = INPUT_SIZES.iter().zip(&self.cells).map(row).collect();
        format!("{}. {}", self.title, rows.join(" "))
    }
}

/// The maps, one below the other, as an SVG file on a light background.
pub fn heat_maps(maps: &[HeatMap]) -> String {
    let (width, height) =
        (LEFT + 5 * CELL_WIDTH + 8, (0..).zip(maps).map(|(idx, _)| (idx + 1) * HEIGHT).last().unwrap_or(0));
    let descriptions: Vec<String> = maps.iter().map(HeatMap::description).collect();
    let shapes: String = (0..).zip(maps).map(|(idx, map)| map.shapes(idx * HEIGHT)).collect();
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="emc-title emc-desc"><title id="emc-title">Use of the memory by input size and kernel</title><desc id="emc-desc">{}</desc><style>{STYLE}</style><rect width="{width}" height="{height}" fill="#ffffff"/>{shapes}</svg>
"##,
        escape(&descriptions.join(" ")),
    )
}

const LEFT: u32 = 84;
const TOP: u32 = 60;
const CELL_WIDTH: u32 = 72;
const CELL_HEIGHT: u32 = 40;
/// Of a whole map, with the space below it.
const HEIGHT: u32 = TOP + 5 * CELL_HEIGHT + 12;

const STYLE: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:#16202b;font-variant-numeric:tabular-nums}\
.heading{font-size:15px;font-weight:600}.key{fill:#51606f}.cell{font-weight:600}\
rect.cell{stroke:#ffffff;stroke-width:2}";

/// Red, green and blue of no use and of full use: the first is light, the second dark, also without colour.
const SHADES: [[f64; 3]; 2] = [[235.0, 243.0, 250.0], [8.0, 64.0, 129.0]];

/// Percent from which white is easier to read on the shade than black.
const WHITE_FROM: f64 = 50.0;

fn size([rows, columns]: [u64; 2]) -> String {
    format!("{rows}x{columns}")
}

fn number(cell: Option<Percent>) -> String {
    cell.map_or_else(|| "-".to_owned(), |percent| format!("{:.0}", percent.0))
}

fn characters(cell: Option<Percent>) -> String {
    let shade = match cell.map(|percent| percent.0) {
        None => ' ',
        Some(percent) if percent < 20.0 => '\u{b7}',
        Some(percent) if percent < 40.0 => '\u{2591}',
        Some(percent) if percent < 60.0 => '\u{2592}',
        Some(percent) if percent < 80.0 => '\u{2593}',
        Some(_) => '\u{2588}',
    };
    format!("{shade}{:>3} {shade}", number(cell))
}

fn cell_shape(x: u32, y: u32, cell: Option<Percent>) -> String {
    let share = cell.map_or(0.0, |percent| (percent.0 / 100.0).clamp(0.0, 1.0));
    let [red, green, blue] = [0, 1, 2].map(|idx| SHADES[0][idx] + share * (SHADES[1][idx] - SHADES[0][idx]));
    let ink = if share * 100.0 >= WHITE_FROM { "#ffffff" } else { "#16202b" };
    let fill = if cell.is_some() { format!("rgb({red:.0},{green:.0},{blue:.0})") } else { "none".to_owned() };
    format!(
        r#"<rect class="cell" x="{x}" y="{y}" width="{CELL_WIDTH}" height="{CELL_HEIGHT}" fill="{fill}"/><text class="cell" x="{}" y="{}" text-anchor="middle" style="fill:{ink}">{}</text>"#,
        x + CELL_WIDTH / 2,
        y + CELL_HEIGHT / 2 + 4,
        number(cell),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> HeatMap {
        let named = |name: &str, percent: f64| (SingleConvolution::named(name).unwrap(), Percent(percent));
        let other = SingleConvolution { input: [7, 7], kernel: [1, 1] };
        let results = [
            named("conv1_kernel1", 89.4),
            named("conv1_kernel5", 60.0),
            named("conv2_kernel2", 59.4),
            named("conv5_kernel3", 20.0),
            named("conv5_kernel5", 3.0),
            (other, Percent(50.0)),
        ];
        HeatMap::new("use of the memory [%], GPU <1>".to_owned(), results).unwrap()
    }

    #[test]
    fn cells_hold_numbers_between_their_shades() {
        let expected = "use of the memory [%], GPU <1>
Input       1x1     2x2     3x3     4x4     5x5
224x112    █ 89 █     -       -       -    ▓ 60 ▓
112x112       -    ▒ 59 ▒     -       -       -
112x56        -       -       -       -       -
56x56         -       -       -       -       -
56x28         -       -    ░ 20 ░     -    ·  3 ·
";
        assert_eq!(map().text(), expected);
    }

    #[test]
    fn the_picture_has_every_number_and_ends_what_it_begins() {
        let svg = heat_maps(&[map(), map()]);
        assert_eq!(svg.matches("<rect class=\"cell\"").count(), 50);
        assert_eq!(svg.matches("</text>").count(), svg.matches("<text ").count());
        assert_eq!(svg.matches("<rect ").count(), svg.matches("/>").count());
        assert!(svg.contains(">89</text>") && svg.contains("GPU &lt;1&gt;</text>"), "{svg}");
        assert!(svg.contains("Input 56x28: kernel 1 -, kernel 2 -, kernel 3 20, kernel 4 -, kernel 5 3."), "{svg}");
    }

    #[test]
    fn nothing_that_has_a_place_is_no_map() {
        let other = SingleConvolution { input: [7, 7], kernel: [1, 1] };
        assert_eq!(HeatMap::new(String::new(), [(other, Percent(1.0))]), None);
    }
}
