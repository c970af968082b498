//! Section of a table: a title, column headers, rows, and their widths.

use icu_properties::CodePointMapData;
use icu_properties::props::EastAsianWidth;

#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) title: Option<String>,
    pub(super) headers: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
    pub(super) indentation: usize,
    columns: Option<usize>,
    widths: Vec<usize>,
}

/// Terminal cells of a text. Characters that are wide in East Asian fonts, or in some of them, count twice.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let properties = CodePointMapData::<EastAsianWidth>::new();
    let is_wide = |character| {
        let width = properties.get(character);
        width == EastAsianWidth::Wide || width == EastAsianWidth::Fullwidth || width == EastAsianWidth::Ambiguous
    };
    text.chars().map(|character| if is_wide(character) { 2 } else { 1 }).sum()
}

impl Section {
    pub(super) fn new(title: Option<String>, indentation: usize) -> Self {
        Self { title, indentation, ..Self::default() }
    }

    pub(super) fn add_headers(&mut self, headers: Vec<String>) -> Result<(), String> {
        self.widen(&headers)?;
        self.columns.get_or_insert(headers.len());
        self.headers = headers;
        Ok(())
    }

    pub(super) fn add_row(&mut self, row: Vec<String>) -> Result<(), String> {
        let columns = *self.columns.get_or_insert(row.len());
        if row.len() != columns {
            return Err(format!("Row should have {columns} elements, instead it has {}", row.len()));
        }
        self.widen(&row)?;
        self.rows.push(row);
        Ok(())
    }

    fn widen(&mut self, cells: &[String]) -> Result<(), String> {
        if self.widths.is_empty() {
            self.widths = cells.iter().map(|cell| width(cell)).collect();
            return Ok(());
        }
        for (at, cell) in cells.iter().enumerate() {
            // The AWS CLI fails here too, if a second set of headers is longer than the first.
            let known = self.widths.get_mut(at).ok_or("list index out of range")?;
            *known = width(cell).max(*known);
        }
        Ok(())
    }

    /// For narrow terminals: turns a single row under headers into one row for each column.
    pub(super) fn transposed(self) -> Result<Self, String> {
        if self.rows.len() != 1 || self.headers.is_empty() {
            return Ok(self);
        }
        let mut section = Self::new(self.title, self.indentation);
        for (header, cell) in self.headers.into_iter().zip(self.rows.into_iter().flatten()) {
            section.add_row(vec![header, cell])?;
        }
        Ok(section)
    }

    pub(super) fn total_width(&self) -> usize {
        // Two spaces on each side of a cell, and the left and right border.
        let cells: usize = self.widths.iter().map(|width| width + 4).sum();
        // A section without a title has the width of the title `None`, as in Python.
        let title = self.title.as_deref().map_or(4, width);
        cells.max(title) + 2 + 2 * self.indentation
    }

    /// The columns' widths, scaled to this total.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "widths of terminals; rounded as Python rounds, half to even"
    )]
    pub(super) fn column_widths(&self, total: usize) -> Vec<usize> {
        let natural: Vec<usize> = self.widths.iter().map(|width| width + 4).collect();
        let sum: usize = natural.iter().sum();
        if sum == 0 {
            return natural;
        }
        let factor = total as f64 / sum as f64;
        let mut widths: Vec<usize> =
            natural.iter().map(|width| (factor * *width as f64).round_ties_even() as usize).collect();
        // If rounding makes the sum too large, the first columns shrink; if too small, the last ones grow.
        let count = widths.len();
        let mut at = 0;
        while widths.iter().sum::<usize>() > total {
            widths[at % count] = widths[at % count].saturating_sub(1);
            at += 1;
        }
        at = 0;
        while widths.iter().sum::<usize>() < total {
            widths[count - 1 - at % count] += 1;
            at += 1;
        }
        widths
    }
}
